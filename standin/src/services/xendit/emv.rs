//! The text of a QRIS code: EMV fields of tag, length and value, closed by a checksum.

/// A code for one amount, or one that takes any.
pub(super) fn qr_string(amount: Option<i64>, reference: &str) -> String {
    let is_dynamic = amount.is_some();
    let merchant = [field("00", "CO.XENDIT.WWW"), field("01", "936009180000000001"), field("02", "000000000000001"), field("03", "UMI")];
    let national = [field("00", "ID.CO.QRIS.WWW"), field("02", "ID0000000000001"), field("03", "UMI")];
    // A reference has room for 25 signs; the last ones of an id tell most.
    let start = reference.char_indices().rev().nth(24).map_or(0, |(start, _)| start);
    let mut fields = vec![
        field("00", "01"),
        field("01", if is_dynamic { "12" } else { "11" }),
        field("26", &merchant.concat()),
        field("51", &national.concat()),
        field("52", "5812"),
        field("53", "360"),
    ];
    fields.extend(amount.map(|amount| field("54", &amount.to_string())));
    fields.extend([field("58", "ID"), field("59", "WARUNG CONTOH"), field("60", "BANDUNG"), field("61", "40111")]);
    fields.push(field("62", &field("05", &reference[start..])));
    let text = format!("{}6304", fields.concat());
    format!("{text}{:04X}", checksum(text.as_bytes()))
}

fn field(tag: &str, value: &str) -> String {
    format!("{tag}{:02}{value}", value.len())
}

/// CRC-16 with polynomial 1021 from FFFF, over everything before it.
fn checksum(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |sum, byte| {
        let shifted = |sum: u16, _| if sum & 0x8000 == 0 { sum << 1 } else { (sum << 1) ^ 0x1021 };
        (0..8).fold(sum ^ (u16::from(*byte) << 8), shifted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_has_its_check_value() {
        assert_eq!(checksum(b"123456789"), 0x29b1);
    }

    #[test]
    fn a_code_says_its_amount() {
        let text = qr_string(Some(25_000), "pr-0123456789-0123456789-0123456789");
        assert!(text.starts_with("000201010212") && text.contains("5303360540525000") && text.contains("62290525"), "{text}");
        assert!(qr_string(None, "é").starts_with("000201010211"));
    }
}
