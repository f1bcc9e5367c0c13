-- IDN001, IDN002, IDN005, IDN008, IDN011, RUN003.

insert into citation
select 'IDN001', null, 'error', item, null, null, concat_ws('/', source_number, coalesce(item, '')), record_number
from record
where grain <> 'lot' and serial is null and not item_is_lot_only;

insert into citation
select
    'IDN002', null, 'error',
    if(field = 'item', value, null), if(field = 'serial', value, null), if(field in ('lot', 'supplier_lot'), value, null),
    concat_ws('/', source_number, field, value), record_number
from (
    select record_number, source_number, 'serial' as field, serial_value as value from record where serial_is_placeholder
    union all
    select record_number, source_number, 'lot', lot_value from record where lot_is_placeholder
    union all
    select record_number, source_number, 'supplier_lot', supplier_lot_value from record where supplier_lot_is_placeholder
    union all
    select record_number, source_number, 'item', item_upper from record where item_is_placeholder
) as listed;

insert into bare_finding
select 'IDN005', null, 'warning', null, null, null, [source.name], 0
from numeric_column
join source using (source_number);

insert into citation
select
    'IDN008', null, 'warning',
    if((select scope_has_item from run), record.item, null), serial_key, null,
    concat_ws('/', serial_key, scope_value), record_number
from (
    select scoped.record_number, serial_key, scope_value from scoped join split_scope using (serial_key, scope_value)
    union all
    select record_number, serial_key, scope_value from blank_scope where serial_key in (from split_blank_scope)
) as kept_apart
join (select record_number, item from record) as record using (record_number);

insert into citation
select 'IDN011', null, 'warning', null, serial_key, null, serial_key, record_number
from ambiguous;

insert into bare_finding
select 'RUN003', null, 'warning', null, null, null, [any_value(source.name)], 0
from file
join source using (source_number)
group by source_number, digest
having count(*) >= 2;
