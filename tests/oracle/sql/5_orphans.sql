-- ORP001 to ORP004. A role's sources are those that are not of lot grain.

create table role_present as
select
    bool_or(role = 'supplier') as supplier, bool_or(role = 'erp') as erp, bool_or(role = 'warranty') as warranty
from source
where grain <> 'lot';

create table not_in_erp as
select
    unit.*,
    coalesce(run.as_of > last_shipped + run.grace_days, true) as grace_is_over
from unit, run, role_present
where in_supplier and not in_erp and role_present.erp;

insert into citation
select 'ORP001', null, 'error', not_in_erp.item, not_in_erp.serial, not_in_erp.lot, unit, record_number
from not_in_erp
join member using (unit)
where grace_is_over and member.role = 'supplier';

insert into citation
select 'ORP001', 'in-transit', 'info', null, null, null, concat_ws('/', source_number, coalesce(document, '')), record_number
from not_in_erp
join member using (unit)
where not grace_is_over and member.role = 'supplier';

-- ERP sources whose supplier names are judged: every supplier source maps the name too, and at least one name meets.
create table named_supplier as
select distinct supplier from record where role = 'supplier' and supplier is not null;

create table vocabulary as
select source_number
from source
where role = 'erp' and maps_supplier
    and not exists (from source as other where other.role = 'supplier' and not other.maps_supplier)
    and exists (
        from record
        where record.source_number = source.source_number and record.supplier in (select supplier from named_supplier));

-- A unit without item is judged by all items, and so is every unit where no supplier source maps an item.
create table not_shipped as
select
    member.unit, member.received,
    if(exists (from source where role = 'supplier' and maps_item), unit.item, null) as item
from member
join unit using (unit)
where unit.in_erp and not unit.in_supplier and member.role = 'erp' and (select supplier from role_present)
    and not (
        member.source_number in (select source_number from vocabulary)
        and member.supplier is not null
        and member.supplier not in (select supplier from named_supplier));

create table every_item as
select
    min(shipped) filter (where shipped <= run.as_of) as first_shipped,
    max(shipped) filter (where shipped <= run.as_of) as last_shipped
from record, run
where role = 'supplier';

create table not_shipped_unit as
select distinct not_shipped.unit
from not_shipped
cross join run
cross join every_item
left join shipped_item on shipped_item.item = not_shipped.item
where (not_shipped.item is null or shipped_item.item is not null)
    and (
        not_shipped.received is null
        or case
            when not_shipped.item is null then coalesce(
                not_shipped.received between every_item.first_shipped and every_item.last_shipped + run.grace_days, true)
            else coalesce(
                not_shipped.received between shipped_item.first_shipped and shipped_item.last_shipped + run.grace_days, true)
        end);

insert into citation
select 'ORP002', null, 'error', unit.item, unit.serial, unit.lot, unit, record_number
from not_shipped_unit
join unit using (unit)
join member using (unit)
where member.role = 'erp';

insert into citation
select 'ORP002', 'item-not-shipped', 'info', item, null, null, item, record_number
from (
    select distinct unit, item
    from not_shipped
    where item is not null and item not in (select item from shipped_item where item is not null)
) as unshipped
join (select unit, record_number from member where role = 'erp') as held using (unit);

create table claimed_only as
select
    unit.*,
    exists (
        from member as other
        where other.serial_key = unit.serial_key and other.unit <> unit.unit and other.role <> 'warranty'
            and other.item <> unit.item) as is_elsewhere
from unit, role_present
where unit.in_warranty and not unit.in_supplier and not unit.in_erp and (role_present.supplier or role_present.erp);

insert into citation
select
    'ORP003', if(is_elsewhere, 'other-item', null), if(is_elsewhere, 'warning', 'critical'),
    claimed_only.item, claimed_only.serial, claimed_only.lot, unit, record_number
from claimed_only
join member using (unit);

insert into citation
select 'ORP004', null, 'warning', unit.item, unit.serial, unit.lot, unit, record_number
from unit
join member using (unit)
where in_warranty and in_supplier and not in_erp and member.role = 'warranty' and (select erp from role_present);
