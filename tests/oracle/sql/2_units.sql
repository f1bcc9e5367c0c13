-- Serial groups, scopes, the collision rule, records without scope, units (semantics: Grain, scope, unit).
-- `keyed` comes from the configuration: records with a usable serial and their scope value, null where they have none.

create macro is_confirmed_by_two(sources) as sources >= 2;

-- Scope values in which two or more forms each stand in two or more sources.
create table split_scope as
select serial_key, scope_value
from (
    select serial_key, scope_value, serial, count(distinct source_number) as sources
    from keyed
    join (
        select serial_key, scope_value
        from keyed
        where scope_value is not null
        group by serial_key, scope_value
        having min(serial) <> max(serial)
    ) as varied using (serial_key, scope_value)
    group by serial_key, scope_value, serial
) as form
where is_confirmed_by_two(sources)
group by serial_key, scope_value
having count(*) >= 2;

-- The records with scope, and the form that tells units apart where the scope value is split.
create table scoped as
select keyed.*, if(split_scope.serial_key is null, null, keyed.serial) as unit_form
from keyed
left join split_scope using (serial_key, scope_value)
where keyed.scope_value is not null;

-- The units that hold a unit-grain record and that a record without scope could belong to, for each form.
create table candidate as
select form.serial_key, form.serial, unit.scope_value, unit.unit_form
from (select distinct serial_key, serial from keyed where scope_value is null) as form
join (select distinct serial_key, scope_value, unit_form from scoped where grain = 'unit') as unit using (serial_key)
where unit.unit_form is null or unit.unit_form = form.serial;

create table home as
select
    form.serial_key, form.serial,
    count(candidate.scope_value) as homes,
    any_value(candidate.scope_value) as scope_value,
    any_value(candidate.unit_form) as unit_form
from (select distinct serial_key, serial from keyed where scope_value is null) as form
left join candidate using (serial_key, serial)
group by form.serial_key, form.serial;

-- Records without scope and without a home form units with a blank scope, to which the collision rule applies as well.
create table blank_scope as
select keyed.* replace ('' as scope_value)
from keyed
join home using (serial_key, serial)
where keyed.scope_value is null and home.homes = 0;

create table split_blank_scope as
select serial_key
from (
    select serial_key, serial, count(distinct source_number) as sources from blank_scope group by serial_key, serial
) as form
where is_confirmed_by_two(sources)
group by serial_key
having count(*) >= 2;

create table placed as
select record_number, source_number, serial_key, scope_value, unit_form from scoped
union all
select record_number, source_number, serial_key, scope_value, if(serial_key in (from split_blank_scope), serial, null)
from blank_scope
union all
select keyed.record_number, keyed.source_number, keyed.serial_key, home.scope_value, home.unit_form
from keyed
join home using (serial_key, serial)
where keyed.scope_value is null and home.homes = 1;

create table ambiguous as
select keyed.record_number, keyed.serial_key
from keyed
join home using (serial_key, serial)
where keyed.scope_value is null and home.homes >= 2;

create table unit_number as
select row_number() over () as unit, serial_key, scope_value, unit_form
from (select distinct serial_key, scope_value, unit_form from placed) as distinct_unit;

-- The records of every unit.
create table member as
select record.*, unit_number.unit
from placed
join unit_number
    on unit_number.serial_key = placed.serial_key
    and unit_number.scope_value = placed.scope_value
    and unit_number.unit_form is not distinct from placed.unit_form
join record using (record_number);

drop table placed;

-- What rules ask of a unit, and how it is shown: the best-ranked source first, the byte-least value within it.
create table unit as
select
    unit,
    any_value(serial_key) as serial_key,
    bool_or(role = 'supplier') as in_supplier,
    bool_or(role = 'erp') as in_erp,
    bool_or(role = 'warranty') as in_warranty,
    count(distinct role) as roles,
    max(shipped) filter (where role = 'supplier') as last_shipped,
    min(chr(cast(64 + trust as integer)) || serial)[2:] as serial,
    min(chr(cast(64 + trust as integer)) || item)[2:] as item,
    min(chr(cast(64 + trust as integer)) || lot)[2:] as lot,
    min(chr(cast(64 + trust as integer)) || site)[2:] as site,
    coalesce(
        min(if(maps_supplier, supplier, name_text(source_name))) filter (where role = 'supplier'),
        min(chr(cast(64 + trust as integer)) || supplier)[2:]) as supplier
from member
join (select source_number, trust, maps_supplier, name as source_name from ranked) as trusted using (source_number)
group by unit;

-- One row per record that a finding is about.
create table citation (
    code varchar, subtype varchar, severity varchar, item varchar, serial varchar, lot varchar, subject varchar, record_number bigint);

-- Findings that are about no record.
create table bare_finding (
    code varchar, subtype varchar, severity varchar, item varchar, serial varchar, lot varchar, sources varchar[], record_count bigint);
