-- Forms, keys, placeholders, dates and quantities of every record (semantics: Text, Placeholders, Dates, Grain).

create macro key_of(form) as translate(form, ' -_./', '');

create macro look_alike(lot_key) as translate(lot_key, 'OISBZG', '015826');

create macro is_digits_entry(value) as
    regexp_full_match(value, '0+|9{4,}|1234|12345|123456|123456789|0123456789|111111');

create macro read_day(value) as (
    case
        when regexp_full_match(value, '\d{4}-\d{2}-\d{2}([T ].*)?') then try_cast(left(value, 10) as date)
        when regexp_full_match(value, '\d{8}([T ].*)?') then cast(try_strptime(left(value, 8), '%Y%m%d') as date)
    end);

-- 1900-01-01 and 1970-01-01 lie outside the days that count.
create macro day_of(value) as (
    case when read_day(value) between date '1970-01-02' and date '2149-06-06' then read_day(value) end);

-- A date that has no day that counts, as it compares: by the day that is written, else by its text.
create macro uncounted_day(value) as (
    case
        when day_of(value) is not null or value in ('0', '00000000', '0000-00-00') then null
        when read_day(value) in (date '1900-01-01', date '1970-01-01') then null
        else coalesce(cast(read_day(value) as varchar), value)
    end);

-- A quantity has at most six decimals; text with more is none.
create macro quantity_of(value) as (
    case when regexp_full_match(value, '[-+]?\d+(\.\d{1,6})?') then try_cast(value as decimal(24, 6)) end);

-- A number in one spelling, else the text.
create macro spelled_number(value) as (
    case
        when regexp_full_match(value, '[-+]?\d+\.\d*') then regexp_replace(rtrim(rtrim(ltrim(value, '+'), '0'), '.'), '^(-?)0+(\d)', '\1\2')
        when regexp_full_match(value, '[-+]?\d+') then regexp_replace(ltrim(value, '+'), '^(-?)0+(\d)', '\1\2')
        else value
    end);

create macro is_listed(value) as (value in (select placeholder.value from placeholder));

-- The order of trust: by rank, ties by name.
create table ranked as
select *, row_number() over (order by rank, name) as trust from source;

-- T3, and the values that stand in the list.
create table formed as
select
    loaded.* exclude (item, serial, secondary_serial, lot, supplier_lot, supplier),
    loaded.item as item_value,
    upper_text(loaded.item) as item_upper,
    upper_text(loaded.serial) as serial_value,
    upper_text(loaded.secondary_serial) as secondary_serial,
    upper_text(loaded.lot) as lot_value,
    upper_text(loaded.supplier_lot) as supplier_lot_value,
    if(is_listed(name_text(loaded.supplier)), null, name_text(loaded.supplier)) as supplier
from loaded;

-- Digits-only values that one unit-grain source holds often enough under one item.
create table digits_placeholder as
select distinct serial_value as value
from (
    select source_number, serial_value, if(is_listed(item_upper), null, item_value) as item
    from formed
    where is_digits_entry(serial_value)
) as entry
join source using (source_number)
where source.grain = 'unit'
group by source_number, item, value
having count(*) >= (select idn002_digits_repeats from run);

create table marked as
select
    formed.* exclude (item_value, item_upper, lot_value, supplier_lot_value),
    item_value, item_upper, lot_value, supplier_lot_value,
    coalesce(is_listed(item_upper), false) as item_is_placeholder,
    coalesce(is_listed(lot_value) or key_of(lot_value) = '', false) as lot_is_placeholder,
    coalesce(is_listed(supplier_lot_value) or key_of(supplier_lot_value) = '', false) as supplier_lot_is_placeholder,
    coalesce(
        is_listed(serial_value)
        or key_of(serial_value) = ''
        or serial_value in (select value from digits_placeholder),
        false) as serial_is_placeholder
from formed;

drop table formed;

create table judged as
select
    record_number, source_number, file_number, record,
    source.role, source.grain,
    item_value, item_upper, lot_value, supplier_lot_value, serial_value,
    item_is_placeholder, lot_is_placeholder, supplier_lot_is_placeholder, serial_is_placeholder,
    if(item_is_placeholder, null, item_value) as item,
    serial_value as serial,
    key_of(serial_value) as serial_key,
    serial_value is not null and not serial_is_placeholder as serial_is_usable,
    secondary_serial,
    if(lot_is_placeholder, null, lot_value) as lot,
    key_of(if(lot_is_placeholder, null, lot_value)) as lot_key,
    if(supplier_lot_is_placeholder, null, supplier_lot_value) as supplier_lot,
    key_of(if(supplier_lot_is_placeholder, null, supplier_lot_value)) as supplier_lot_key,
    supplier,
    quantity_of(quantity) as quantity,
    document, line, site, status, customer, country,
    day_of(made) as made, day_of(shipped) as shipped, day_of(received) as received, day_of(sold) as sold,
    day_of(claimed) as claimed, day_of(expires) as expires, day_of(captured_at) as captured_at,
    event, claim, claim_kind, failure,
    row(
        if(quantity_of(quantity) is null, spelled_number(quantity), null), uncounted_day(made), uncounted_day(shipped),
        uncounted_day(received), uncounted_day(sold), uncounted_day(claimed), uncounted_day(expires),
        uncounted_day(captured_at)) as uncounted
from marked
join source using (source_number);

drop table marked;

-- Items of whose records in a source nearly all lack a serial. A blank item only where the source maps none.
create table lot_only as
select source_number, item
from judged
join source using (source_number)
where source.grain <> 'lot' and (item is not null or not source.maps_item)
group by source_number, item
having 100 * count(*) filter (where not serial_is_usable) >= (select idn001_lot_only_percent from run) * count(*);

create table record as
select
    judged.*,
    lot_only.source_number is not null as item_is_lot_only,
    judged.grain = 'lot' or (lot_only.source_number is not null and not judged.serial_is_usable) as is_lot_grain
from judged
left join lot_only on lot_only.source_number = judged.source_number and lot_only.item is not distinct from judged.item;

drop table judged;

-- With no item mapped anywhere, the blank item counts as an item.
create table no_item as
select not exists (from source where maps_item) as anywhere;

-- Items that some supplier source ships, with the window of their valid shipped dates.
create table shipped_item as
select
    item,
    min(shipped) filter (where shipped <= run.as_of) as first_shipped,
    max(shipped) filter (where shipped <= run.as_of) as last_shipped
from record, run
where role = 'supplier' and (item is not null or (select anywhere from no_item))
group by item;
