-- SER001 to SER004.

-- Records of a unit in one unit-grain source that lists it more than once.
create table recurring as
select
    unit, source_number,
    count(*) as records,
    count(distinct serial) as forms,
    count(distinct row(
        item, serial, secondary_serial, lot, supplier_lot, supplier, quantity, document, line, site, status, customer, country,
        made, shipped, received, sold, claimed, expires, event, claim, claim_kind, failure, captured_at, uncounted)) as contents
from member
where grain = 'unit' and unit in (
    select unit from member where grain = 'unit' group by unit, source_number having count(*) >= 2)
group by unit, source_number
having count(*) >= 2;

insert into citation
select
    if(contents > 1, 'SER001', 'SER002'),
    if(contents > 1 and forms = records, 'after-normalization', null),
    if(contents > 1, 'error', 'warning'),
    unit.item, unit.serial, unit.lot,
    concat_ws('/', unit, source_number), record_number
from recurring
join member using (unit, source_number)
join unit using (unit);

-- Serials under several items; lot-grain records have no part in it.
create table crossing as
select serial_key
from record
where serial_is_usable and not is_lot_grain and item is not null
group by serial_key
having min(item) <> max(item);

create table widespread as
select serials >= ser003_serials_min and 100 * crossings > ser003_widespread_percent * serials as holds
from
    run,
    (select count(distinct serial_key) as serials from record where serial_is_usable and not is_lot_grain) as every_serial,
    (select count(*) as crossings from crossing) as crossing_serial;

insert into citation
select 'SER003', null, if((select scope_is_global from run), 'error', 'warning'), null, serial_key, null, serial_key, record_number
from crossing
join record using (serial_key)
where record.serial_is_usable and not record.is_lot_grain and record.item is not null and not (select holds from widespread);

insert into bare_finding
select 'SER003', 'widespread', 'info', null, null, null, [], 0 from widespread where holds;

-- Suppliers that shipped a unit: by name, else by source.
create table shipping as
select
    unit, record_number,
    if(source.maps_supplier, member.supplier, name_text(source.name)) as shipper
from member
join source using (source_number)
where member.role = 'supplier' and (member.supplier is not null or not source.maps_supplier);

insert into citation
select 'SER004', null, 'critical', unit.item, unit.serial, unit.lot, unit, record_number
from shipping
join (select unit from shipping group by unit having min(shipper) <> max(shipper)) as contested using (unit)
join unit using (unit);
