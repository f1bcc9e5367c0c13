-- LOT001, LOT002, LOT003, LOT006 (semantics: Lots).

-- Which kind of lot of one source is compared with which kind of another.
create table comparison as
select a.source_number as source_a, b.source_number as source_b, a.kind as kind_a, b.kind as kind_b
from
    (select *, unnest(['lot', 'supplier_lot']) as kind from source) as a,
    (select *, unnest(['lot', 'supplier_lot']) as kind from source) as b
where a.source_number < b.source_number
    and case
        when a.role = 'supplier' and b.role = 'supplier' then a.kind = 'lot' and b.kind = 'lot'
        when a.role = 'supplier' then a.kind = 'lot' and b.kind = if(b.maps_supplier_lot, 'supplier_lot', 'lot')
        when b.role = 'supplier' then b.kind = 'lot' and a.kind = if(a.maps_supplier_lot, 'supplier_lot', 'lot')
        else a.kind = b.kind
    end;

-- The lots that a source states for a unit, of one kind.
create table statement as
select unit, source_number, kind, min(key) as least, max(key) as greatest
from (
    select unit, source_number, 'lot' as kind, lot_key as key from member where lot_key is not null
    union all
    select unit, source_number, 'supplier_lot', supplier_lot_key from member where supplier_lot_key is not null
) as stated
group by unit, source_number, kind;

create table compared as
select
    a.unit, comparison.source_a, comparison.source_b,
    a.least as least_a, a.greatest as greatest_a, b.least as least_b, b.greatest as greatest_b,
    least(a.least, b.least) <> greatest(a.greatest, b.greatest) as differs
from comparison
join statement as a on a.source_number = comparison.source_a and a.kind = comparison.kind_a
join statement as b on b.unit = a.unit and b.source_number = comparison.source_b and b.kind = comparison.kind_b;

create table not_comparable as
select source_a, source_b
from (select unit, source_a, source_b, bool_or(differs) as differs from compared group by unit, source_a, source_b) as pair
group by source_a, source_b
having
    count(*) >= (select lot006_units_min from run)
    and 100 * count(*) filter (where differs) > (select lot006_differing_percent from run) * count(*);

insert into bare_finding
select 'LOT006', null, 'error', null, null, null, list_sort([a.name, b.name]), 0
from not_comparable
join source as a on a.source_number = source_a
join source as b on b.source_number = source_b;

-- What takes part in the comparisons that count.
create table comparable as
select compared.* from compared anti join not_comparable using (source_a, source_b);

create table lot_conflict as
select unit, 'within' as kind from statement where least <> greatest
union
select unit, 'between' from comparable where differs;

create table voice as
select distinct unit, source_number, key
from (
    select unit, source_a as source_number, unnest([least_a, greatest_a]) as key from comparable
    union all
    select unit, source_b, unnest([least_b, greatest_b]) from comparable
) as spoken
where unit in (select unit from lot_conflict);

create table lot_mismatch as
select
    unit,
    case
        when bool_or(kind = 'within') then 'within-source'
        when any_value(sources) = 2 then 'two-way'
        when any_value(most) * 2 > any_value(sources) then 'majority'
        when any_value(keys) >= 3 then 'three-way'
        else 'two-way'
    end as subtype
from lot_conflict
left join (
    select unit, count(distinct source_number) as sources, count(distinct key) as keys from voice group by unit
) as spread using (unit)
left join (
    select unit, max(holders) as most from (select unit, key, count(*) as holders from voice group by unit, key) as held group by unit
) as support using (unit)
group by unit;

insert into citation
select 'LOT001', subtype, 'error', unit.item, unit.serial, unit.lot, unit, record_number
from lot_mismatch
join unit using (unit)
join member using (unit)
where member.lot_key is not null or member.supplier_lot_key is not null;

-- Items of whose records enough carry a lot, over the sources that map one.
create table lot_tracked as
select item
from record
join source using (source_number)
where (source.maps_lot or source.maps_supplier_lot) and (item is not null or (select anywhere from no_item))
group by item
having
    100 * count(*) filter (where lot_key is not null or supplier_lot_key is not null)
    >= (select lot002_tracked_percent from run) * count(*);

create table lotless as
select unit, source_number
from member
join source using (source_number)
where source.grain = 'unit' and (source.maps_lot or source.maps_supplier_lot)
group by unit, source_number
having count(lot_key) = 0 and count(supplier_lot_key) = 0;

insert into citation
select
    'LOT002',
    if(unit in (select unit from statement), 'here', 'nowhere'),
    'warning', unit.item, unit.serial, unit.lot, unit, record_number
from lotless
join unit using (unit)
join member using (unit, source_number)
where exists (from lot_tracked where lot_tracked.item is not distinct from unit.item);

-- Lots that supplier sources hold, by item.
create table supplied_lot as
select distinct item, lot_key
from record
where role = 'supplier' and lot_key is not null and (item is not null or (select anywhere from no_item));

create table stated_lot as
select
    record_number, source_number, item,
    if(source.maps_supplier_lot, supplier_lot_key, lot_key) as lot_key
from record
join source using (source_number)
where record.role <> 'supplier'
    and if(source.maps_supplier_lot, supplier_lot_key, lot_key) is not null
    and (item is not null or (select anywhere from no_item));

create table unknown_lot as
select distinct source_number, item, lot_key
from stated_lot
where exists (from source where role = 'supplier' and maps_lot)
    and exists (from shipped_item where shipped_item.item is not distinct from stated_lot.item)
    and not exists (
        from supplied_lot where supplied_lot.lot_key = stated_lot.lot_key and supplied_lot.item is not distinct from stated_lot.item)
    and not exists (
        from not_comparable
        join (select distinct source_number, item from record where role = 'supplier') as shipper
            on shipper.source_number = not_comparable.source_a
        where not_comparable.source_b = stated_lot.source_number and shipper.item is not distinct from stated_lot.item);

insert into citation
select
    'LOT003',
    case
        when exists (from supplied_lot where supplied_lot.lot_key = unknown_lot.lot_key) then 'other-item'
        when exists (
            from supplied_lot
            where look_alike(supplied_lot.lot_key) = look_alike(unknown_lot.lot_key)
                and supplied_lot.item is not distinct from unknown_lot.item) then 'near'
        else 'unknown'
    end,
    'error', unknown_lot.item, null, unknown_lot.lot_key,
    concat_ws('/', unknown_lot.source_number, unknown_lot.item, unknown_lot.lot_key), record_number
from unknown_lot
join stated_lot
    on stated_lot.source_number = unknown_lot.source_number
    and stated_lot.lot_key = unknown_lot.lot_key
    and stated_lot.item is not distinct from unknown_lot.item;
