"""The four core checks in standard SQL: one grouping by unit, kept as the table `unit`, and two queries over it.

Every engine that speaks SQL gets the same two steps; what is its own (the key expression, how files are named, how a table
is kept) stands in its file.
"""

READ = "select coalesce({item}, '') as item, {serial} as serial, {lot} as lot, {role} as role from {file}"

UNIT = """
select
    item, serial,
    count(*) filter (where role = 0) as supplier,
    count(*) filter (where role = 1) as erp,
    count(lot) filter (where role = 0) as supplier_lots,
    count(lot) filter (where role = 1) as erp_lots,
    min(lot) filter (where role < 2) as least_lot,
    max(lot) filter (where role < 2) as greatest_lot
from ({records}) as record
where serial is not null
group by item, serial
"""

BY_UNIT = """
select
    count(*) filter (where supplier > 1) as duplicates_supplier,
    count(*) filter (where erp > 1) as duplicates_erp,
    count(*) filter (where supplier_lots > 0 and erp_lots > 0 and least_lot <> greatest_lot) as lot_mismatches,
    count(*) filter (where supplier > 0 and erp = 0) as shipped_not_in_erp,
    count(*) filter (where supplier = 0 and erp = 0) as claims_for_unknown_units
from unit
"""

BY_SERIAL = """
select count(*) as serials_on_several_items
from (select serial from unit where item <> '' group by serial having min(item) <> max(item)) as crossing
"""


def records(item: str, key, file_of) -> str:
    """Gives the query of the keys of all sources; `key` makes the SQL of a column's key, `file_of` that of a source's files."""
    return " union all ".join(
        READ.format(item=item, serial=key("serial"), lot=key("lot"), role=role, file=file_of(source))
        for role, source in enumerate(("supplier", "erp", "warranty")))
