-- Findings from citations, and the disposition of every record (semantics: Ledger).

-- The unit that a finding is about: its number begins the subject. Other findings show no supplier and no site.
create macro unit_of(code, subtype, subject) as (
    case
        when code in ('SER001', 'SER002', 'SER004', 'LOT001', 'LOT002', 'ORP001', 'ORP002', 'ORP003', 'ORP004')
            and coalesce(subtype, '') not in ('in-transit', 'item-not-shipped')
        then cast(split_part(subject, '/', 1) as bigint)
    end);

create table finding as
select
    grouped.* exclude (about),
    unit.supplier, unit.site,
    if(code = 'ORP003' and subtype = 'other-item' and unit.serial_key in (from crossing) and not (select holds from widespread),
        'SER003 ' || unit.serial_key, null) as explained_by
from (
    select
        code, subtype, severity,
        any_value(item) as item, any_value(serial) as serial, any_value(lot) as lot,
        list_sort(list(distinct source.name)) as sources,
        count(*) as record_count,
        unit_of(code, subtype, subject) as about
    from citation
    join (select record_number, source_number from record) as cited using (record_number)
    join source using (source_number)
    group by code, subtype, severity, subject
) as grouped
left join (select unit, serial_key, supplier, site from unit) as unit on unit.unit = grouped.about
union all by name
select * from bare_finding;

-- The lot keys of lot-grain records that a record of another role has.
create table lot_role as
select distinct source_number, role, item, kind, key
from (
    select source_number, role, item, 'lot' as kind, lot_key as key from record where lot_key is not null
    union all
    select source_number, role, item, 'supplier_lot', supplier_lot_key from record where supplier_lot_key is not null
) as stated;

create table lot_met as
select distinct own.source_number, own.item, own.kind, own.key
from lot_role as own
join (
    select source_a as source_number, kind_a as kind, source_b as other_source, kind_b as other_kind from comparison
    union all
    select source_b, kind_b, source_a, kind_a from comparison
) as facing on facing.source_number = own.source_number and facing.kind = own.kind
join lot_role as other
    on other.source_number = facing.other_source
    and other.kind = facing.other_kind
    and other.key = own.key
    and other.item is not distinct from own.item
    and other.role <> own.role
where own.source_number in (select source_number from record where is_lot_grain);

create table disposition as
select
    record.record_number, record.source_number, record.file_number,
    coalesce(record.quantity, 1) as quantity,
    case
        when record.is_lot_grain and record.lot_key is null and record.supplier_lot_key is null then 'unusable_key'
        when record.is_lot_grain and exists (
            from lot_met
            where lot_met.source_number = record.source_number
                and lot_met.item is not distinct from record.item
                and lot_met.key = if(lot_met.kind = 'lot', record.lot_key, record.supplier_lot_key)) then 'matched'
        when record.is_lot_grain then 'unmatched'
        when not record.serial_is_usable then 'unusable_key'
        when located.roles >= 2 then 'matched'
        else 'unmatched'
    end as disposition
from record
left join (
    select record_number, roles from member join (select unit, roles from unit) as known using (unit)
) as located using (record_number);

create table ledger as
select source.name as source, file.path as file, disposition, count(*) as records, sum(quantity) as quantity
from disposition
join file using (file_number)
join source on source.source_number = disposition.source_number
group by source.name, file.path, disposition
union all
select source.name, file.path, 'rejected', file.rejected, file.rejected
from file join source using (source_number) where file.kept and file.rejected > 0
union all
select source.name, file.path, 'out_of_scope', file.records, null
from file join source using (source_number) where not file.kept;
