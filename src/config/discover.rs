//! Recognition of headers: which column is which field, and why.

use std::collections::BTreeMap;

use counterfoil_kernel::model::{Field, FieldKind, FieldSet, Role};

use super::vocabulary::{COMBINED_ODOO, DEVICE_IDENTIFIERS, Meaning, ODOO_MARKS, System, combined_system, lookup, normalize_header};
use crate::ingest::ColumnInfo;

/// The rank of a column that may hold serials or lots: any name that says which is better.
const COMBINED_RANK: u8 = 20;

/// A recognized column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognized {
    /// The index of the column.
    pub index: usize,
    /// Why it is the field, in words.
    pub reason: String,
    /// What was assumed, where the name alone does not say it.
    pub assumption: Option<String>,
}

/// Why headers can't be recognized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Columns that are equally good for a field.
    Ambiguous {
        /// The field.
        field: Field,
        /// The columns, by index.
        columns: Vec<usize>,
    },
    /// The column of an identifier has a type that can't be mapped.
    Unsupported {
        /// The field.
        field: Field,
        /// The column, by index.
        column: usize,
    },
}

#[derive(Clone, Debug)]
struct Candidate {
    index: usize,
    rank: u8,
    reason: String,
    assumption: Option<String>,
}

/// Finds the columns of the fields that are not `settled` yet, in a source of a role.
///
/// A name that the vocabulary knows stands for one field in one role; of several names the best ranked is taken. Three things are
/// decided by what else is there: a device identifier such as an IMEI is the serial where there is no other; in a supplier's file its
/// own "supplier lot" is the lot where there is no other; a column that systems use for serials and lots alike is the serial, else the lot.
///
/// # Errors
/// [`Refusal`] when two columns are equally good, or the best column of an identifier can't be mapped.
pub fn recognize(role: Role, columns: &[ColumnInfo], settled: FieldSet, used: &[usize]) -> Result<BTreeMap<Field, Recognized>, Refusal> {
    let names: Vec<String> = columns.iter().map(|column| normalize_header(&column.name)).collect();
    let is_odoo = names.iter().any(|name| ODOO_MARKS.contains(name));
    let mut candidates: BTreeMap<Field, Vec<Candidate>> = BTreeMap::new();
    let mut combined: Vec<(usize, System)> = Vec::new();
    for (index, name) in names.iter().enumerate().filter(|(index, _)| !used.contains(index)) {
        let odoo = (is_odoo && COMBINED_ODOO.contains(name)).then_some(System::Odoo);
        if let Some(system) = odoo.or_else(|| combined_system(name)) {
            combined.push((index, system));
        } else if let Some(meaning) = lookup(name, role) {
            let reason = reason(&columns[index].name, &meaning);
            candidates.entry(meaning.field).or_default().push(Candidate { index, rank: meaning.rank, reason, assumption: None });
        }
    }
    let is_open = |candidates: &BTreeMap<Field, Vec<Candidate>>, field| !settled.contains(field) && !candidates.contains_key(&field);
    if !combined.is_empty()
        && let Some(field) = [Field::Serial, Field::Lot].into_iter().find(|&field| is_open(&candidates, field))
    {
        candidates.insert(field, combined.iter().map(|&(index, system)| combined_candidate(index, columns, system, field)).collect());
    }
    if is_open(&candidates, Field::Serial) {
        promote(&mut candidates, Field::SecondarySerial, Field::Serial, |index| DEVICE_IDENTIFIERS.contains(&names[index]));
    }
    if role == Role::Supplier && is_open(&candidates, Field::Lot) {
        promote(&mut candidates, Field::SupplierLot, Field::Lot, |_| true);
    }
    candidates
        .into_iter()
        .filter(|(field, _)| !settled.contains(*field))
        .filter_map(|(field, found)| best(field, found, columns).transpose().map(|result| result.map(|best| (field, best))))
        .collect()
}

fn combined_candidate(index: usize, columns: &[ColumnInfo], system: System, field: Field) -> Candidate {
    let name = &columns[index].name;
    let other = if field == Field::Serial { Field::Lot } else { Field::Serial };
    Candidate {
        index,
        rank: COMBINED_RANK,
        reason: format!("header \"{name}\" is {system} name for serials and lots alike, taken as {field}"),
        assumption: Some(format!(
            "column \"{name}\" may hold serials or lots; it is taken as {field}, map it to {other} if it holds those"
        )),
    }
}

fn reason(header: &str, meaning: &Meaning) -> String {
    let place = match meaning.roles {
        [role] => format!(" in {role} sources"),
        _ => String::new(),
    };
    format!("header \"{header}\" is {} name for {}{place}", meaning.system, meaning.field)
}

/// Makes candidates of one field candidates of another that has none.
fn promote(candidates: &mut BTreeMap<Field, Vec<Candidate>>, from: Field, to: Field, may: impl Fn(usize) -> bool) {
    let (moved, kept): (Vec<_>, Vec<_>) =
        candidates.remove(&from).unwrap_or_default().into_iter().partition(|candidate| may(candidate.index));
    let Some(best_rank) = moved.iter().map(|candidate| candidate.rank).min() else {
        if !kept.is_empty() {
            candidates.insert(from, kept);
        }
        return;
    };
    // Only the best moves: an IMEI becomes the serial, the MAC beside it stays the secondary serial.
    let (moved, rest): (Vec<_>, Vec<_>) = moved.into_iter().partition(|candidate| candidate.rank == best_rank);
    let stay: Vec<Candidate> = rest.into_iter().chain(kept).collect();
    if !stay.is_empty() {
        candidates.insert(from, stay);
    }
    let because = format!(", taken as {to} because no other column is one");
    let moved = moved.into_iter().map(|candidate| Candidate { reason: candidate.reason + &because, ..candidate }).collect();
    candidates.insert(to, moved);
}

/// Takes the best candidate; a column of another field's kind that can't be read is passed over, an identifier's is refused.
fn best(field: Field, mut found: Vec<Candidate>, columns: &[ColumnInfo]) -> Result<Option<Recognized>, Refusal> {
    if field.kind() != FieldKind::Identifier {
        found.retain(|candidate| columns[candidate.index].unsupported.is_none());
    }
    let Some(rank) = found.iter().map(|candidate| candidate.rank).min() else { return Ok(None) };
    found.retain(|candidate| candidate.rank == rank);
    if found.len() > 1 {
        return Err(Refusal::Ambiguous { field, columns: found.iter().map(|candidate| candidate.index).collect() });
    }
    let Candidate { index, reason, assumption, .. } = found.remove(0);
    if columns[index].unsupported.is_some() {
        return Err(Refusal::Unsupported { field, column: index });
    }
    Ok(Some(Recognized { index, reason, assumption }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(header: &str) -> Vec<ColumnInfo> {
        header
            .split(',')
            .map(|name| ColumnInfo { name: name.into(), type_name: "text".into(), is_number: false, unsupported: None })
            .collect()
    }

    /// Checks `field=column` pairs, in field order.
    #[track_caller]
    fn check(role: Role, header: &str, expected: &str) {
        let columns = columns(header);
        let found = recognize(role, &columns, FieldSet::default(), &[]).expect("recognized");
        let shown: Vec<String> = found.iter().map(|(field, found)| format!("{field}={}", columns[found.index].name)).collect();
        assert_eq!(shown.join(" "), expected);
    }

    #[track_caller]
    fn check_ambiguous(role: Role, header: &str, field: Field, expected: &[usize]) {
        let refusal = recognize(role, &columns(header), FieldSet::default(), &[]).expect_err("refused");
        assert_eq!(refusal, Refusal::Ambiguous { field, columns: expected.to_vec() });
    }

    #[test]
    fn generic_english() {
        check(
            Role::Supplier,
            "ASN No,Line,Part No,Serial Number,Lot,Qty Shipped,Ship Date,Mfg Date,Remarks",
            "item=Part No serial=Serial Number lot=Lot quantity=Qty Shipped document=ASN No line=Line made=Mfg Date shipped=Ship Date",
        );
        check(
            Role::Warranty,
            "claim_id,s/n,model,failure_code,date,dealer,country,purchase date",
            "item=model serial=s/n customer=dealer country=country sold=purchase date claimed=date claim=claim_id failure=failure_code",
        );
    }

    #[test]
    fn sap() {
        check(
            Role::Erp,
            "EQUNR,MATNR,SERNR,SERNP,CHARG,LICHA,PRUEFLOS,WERKS,LGORT,LIFNR,KUNNR,STTXT,ERDAT,HSDAT,VFDAT,GWLEN",
            "item=MATNR serial=SERNR lot=CHARG supplier_lot=LICHA supplier=LIFNR site=WERKS status=STTXT customer=KUNNR made=HSDAT received=ERDAT expires=VFDAT",
        );
        check(
            Role::Warranty,
            "QMNUM,QMART,MATNR,SERNR,ERDAT,FECOD",
            "item=MATNR serial=SERNR claimed=ERDAT claim=QMNUM claim_kind=QMART failure=FECOD",
        );
        check(
            Role::Supplier,
            "VBELN,POSNR,MATNR,SERNR,CHARG,LFIMG,WADAT,ERDAT",
            "item=MATNR serial=SERNR lot=CHARG quantity=LFIMG document=VBELN line=POSNR shipped=WADAT",
        );
        check(Role::Erp, "MATNR,EQUNR,PRUEFLOS", "item=MATNR serial=EQUNR");
    }

    #[test]
    fn oracle() {
        check(
            Role::Erp,
            "INVENTORY_ITEM_ID,ITEM_NUMBER,ORGANIZATION_CODE,SERIAL_NUMBER,LOT_NUMBER,VENDOR_LOT_NUMBER,VENDOR_NAME,CURRENT_STATUS,RECEIPT_NUM,ORIGINATION_DATE,TRANSACTION_DATE,CURRENT_SUBINVENTORY_CODE",
            "item=ITEM_NUMBER serial=SERIAL_NUMBER lot=LOT_NUMBER supplier_lot=VENDOR_LOT_NUMBER supplier=VENDOR_NAME document=RECEIPT_NUM site=ORGANIZATION_CODE status=CURRENT_STATUS made=ORIGINATION_DATE received=TRANSACTION_DATE",
        );
    }

    #[test]
    fn dynamics() {
        check(
            Role::Erp,
            "itemId,inventSerialId,inventBatchId,PdsVendBatchId,InventSiteId,InventLocationId,WMSLocationId,VendAccount,Qty,prodDate,expDate",
            "item=itemId serial=inventSerialId lot=inventBatchId supplier_lot=PdsVendBatchId supplier=VendAccount quantity=Qty site=InventSiteId made=prodDate expires=expDate",
        );
        check(
            Role::Erp,
            "Entry No.,Posting Date,Entry Type,Document No.,Item No.,Variant Code,Serial No.,Lot No.,Package No.,Location Code,Quantity,Qty. (Base),Expiration Date,Warranty Date",
            "item=Item No. serial=Serial No. lot=Lot No. quantity=Quantity document=Document No. site=Location Code received=Posting Date expires=Expiration Date event=Entry Type",
        );
    }

    #[test]
    fn netsuite_keeps_serials_and_lots_in_one_column() {
        check(
            Role::Erp,
            "tranid,trandate,item,inventoryNumber,quantity,location,expirationDate",
            "item=item serial=inventoryNumber quantity=quantity document=tranid site=location received=trandate expires=expirationDate",
        );
        check(Role::Erp, "item,Serial Number,inventoryNumber", "item=item serial=Serial Number lot=inventoryNumber");
        check(Role::Erp, "item,Lot,inventoryNumber", "item=item serial=inventoryNumber lot=Lot");
        let columns = columns("item,inventoryNumber");
        let found = recognize(Role::Erp, &columns, FieldSet::default(), &[]).expect("recognized");
        assert_eq!(
            found[&Field::Serial].assumption.as_deref(),
            Some("column \"inventoryNumber\" may hold serials or lots; it is taken as serial, map it to lot if it holds those")
        );
    }

    #[test]
    fn odoo() {
        check(Role::Erp, "product_id,lot_id,quantity", "item=product_id lot=lot_id quantity=quantity");
        check(
            Role::Erp,
            "picking_id,product_id,default_code,lot_id,qty_done,location_id,location_dest_id,date,state",
            "item=default_code serial=lot_id quantity=qty_done document=picking_id site=location_id received=date",
        );
    }

    #[test]
    fn erpnext() {
        check(
            Role::Erp,
            "serial_no,item_code,batch_no,warehouse,purchase_date,delivery_date,warranty_expiry_date,status,maintenance_status,supplier,customer",
            "item=item_code serial=serial_no lot=batch_no supplier=supplier site=warehouse status=status customer=customer received=purchase_date sold=delivery_date",
        );
    }

    #[test]
    fn equally_good_columns_are_refused() {
        check_ambiguous(Role::Supplier, "Serial No,SN,Lot", Field::Serial, &[0, 1]);
        check_ambiguous(Role::Erp, "serial,lot,Lot", Field::Lot, &[1, 2]);
        check_ambiguous(Role::Erp, "serial,item,item_no", Field::Item, &[1, 2]);
    }

    #[test]
    fn a_settled_field_and_a_used_column_are_left_alone() {
        let columns = columns("Serial No,SN,Lot");
        let settled: FieldSet = [Field::Serial].into_iter().collect();
        let found = recognize(Role::Supplier, &columns, settled, &[0]).expect("recognized");
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), [Field::Lot]);
    }

    #[test]
    fn a_supplier_lot_is_the_lot_of_a_supplier_without_another() {
        check(Role::Supplier, "serial,item,VENDOR_LOT_NUMBER", "item=item serial=serial lot=VENDOR_LOT_NUMBER");
        check(Role::Supplier, "serial,item,LICHA,CHARG", "item=item serial=serial lot=CHARG supplier_lot=LICHA");
        check(Role::Erp, "serial,item,VENDOR_LOT_NUMBER", "item=item serial=serial supplier_lot=VENDOR_LOT_NUMBER");
    }

    #[test]
    fn a_device_identifier_is_the_serial_where_there_is_no_other() {
        check(Role::Erp, "imei,mac address,item", "item=item serial=imei secondary_serial=mac address");
        check(Role::Erp, "serial,imei,mac address,item", "item=item serial=serial secondary_serial=imei");
    }

    #[test]
    fn a_generic_date_means_what_the_role_says_and_a_special_one_is_better() {
        check(Role::Supplier, "serial,date", "serial=serial shipped=date");
        check(Role::Erp, "serial,date", "serial=serial received=date");
        check(Role::Warranty, "serial,date", "serial=serial claimed=date");
        check(Role::Supplier, "serial,date,ship date", "serial=serial shipped=ship date");
        check(Role::Erp, "serial,ERDAT,BUDAT", "serial=serial received=BUDAT");
    }

    #[test]
    fn a_nested_identifier_is_refused_and_a_nested_status_passed_over() {
        let mut columns = columns("serial,status");
        columns[1].unsupported = Some("a list".into());
        let found = recognize(Role::Erp, &columns, FieldSet::default(), &[]).expect("recognized");
        assert_eq!(found.len(), 1);
        columns[0].unsupported = Some("a list".into());
        let refusal = recognize(Role::Erp, &columns, FieldSet::default(), &[]).expect_err("refused");
        assert_eq!(refusal, Refusal::Unsupported { field: Field::Serial, column: 0 });
    }
}
