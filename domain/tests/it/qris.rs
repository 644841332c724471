//! Codes that are read, and codes that are not.

use domain::Idr;
use domain::qris::{Qris, QrisError};
use proptest::prelude::*;

fn field(tag: &str, value: &str) -> String {
    format!("{tag}{:02}{value}", value.len())
}

/// Bit by bit, apart from the one that is tested.
fn closed(body: &str) -> String {
    let text = format!("{body}6304");
    let mut sum: u32 = 0xffff;
    for bit in text.bytes().flat_map(|byte| (0..8).rev().map(move |bit| u32::from(byte >> bit) & 1)) {
        let top = (sum >> 15) & 1;
        sum = (sum << 1) & 0xffff;
        if top != bit {
            sum ^= 0x1021;
        }
    }
    format!("{text}{sum:04X}")
}

fn with(amount: Option<&str>, currency: &str, country: &str, merchant: &str) -> String {
    let account = field("26", &[field("00", "CO.XENDIT.WWW"), field("01", "936009180000000001"), field("03", "UMI")].concat());
    let mut body = [field("00", "01"), field("01", "12"), account, field("52", "5812"), field("53", currency)].concat();
    body.extend(amount.map(|amount| field("54", amount)));
    body += &[field("58", country), field("59", merchant), field("60", "BANDUNG"), field("62", &field("05", "ORDER-1"))].concat();
    closed(&body)
}

fn code(amount: Option<&str>) -> String {
    with(amount, "360", "ID", "WARUNG IMAS")
}

#[test]
fn a_code_is_read() {
    let read = Qris::parse(&code(Some("25000"))).expect("a code");
    assert_eq!((read.merchant(), read.amount()), ("WARUNG IMAS", Ok(Some(Idr(25_000)))));
    assert_eq!(read.check_amount(Idr(25_000)), Ok(()));
    assert_eq!(read.check_amount(Idr(25_001)), Err(QrisError::OtherAmount { told: Idr(25_000), asked: Idr(25_001) }));
    assert_eq!(read.fields().len(), 10);
}

#[test]
fn an_amount_may_have_cents_of_nothing_and_may_be_left_to_the_customer() {
    for text in ["25000.", "25000.00"] {
        assert_eq!(Qris::parse(&code(Some(text))).expect(text).amount(), Ok(Some(Idr(25_000))), "{text}");
    }
    for text in ["25000.50", "-5", "1e3", ".", "2 5", "99999999999999"] {
        assert_eq!(Qris::parse(&code(Some(text))), Err(QrisError::NoAmount(text.to_owned())));
    }
    let open = Qris::parse(&code(None)).expect("a code");
    assert_eq!((open.amount(), open.check_amount(Idr(7))), (Ok(None), Ok(())));
}

#[test]
fn a_code_of_another_country_is_told_apart_from_a_broken_one() {
    // Recorded in Xendit's own documents.
    let vietnam = "00020101021238600010A00000072701300006970454011688817610380890060208QRIBFTTA53037045802VN5405100006304C696";
    assert_eq!(Qris::parse(vietnam), Err(QrisError::Foreign { tag: "53", told: "704".to_owned(), due: "360" }));
    let singapore = with(Some("5"), "360", "SG", "KOPI");
    assert_eq!(Qris::parse(&singapore), Err(QrisError::Foreign { tag: "58", told: "SG".to_owned(), due: "ID" }));
}

#[test]
fn what_is_no_code_is_told_why() {
    let start = [field("00", "01"), field("53", "360"), field("58", "ID")].concat();
    let wrong = [
        (String::new(), QrisError::Unclosed),
        ("6304".to_owned(), QrisError::Unclosed),
        (format!("{start}6304"), QrisError::Unclosed),
        (closed(&field("53", "360")), QrisError::Missing("00")),
        (closed(&start), QrisError::Missing("59")),
        (closed(&format!("{start}{}", field("53", "360"))), QrisError::Twice("53".to_owned())),
        (closed(&format!("{start}5999KOPI")), QrisError::Structure(19)),
        (closed(&format!("{start}5900")), QrisError::Structure(19)),
        (closed(&format!("{start}XY04KOPI")), QrisError::Structure(19)),
        ("kopi \u{2615}".to_owned(), QrisError::NotAscii(5)),
        ("0".repeat(513), QrisError::TooLong(513)),
        (code(Some("5")).to_lowercase(), QrisError::Checksum { told: String::new(), found: String::new() }),
    ];
    for (text, error) in wrong {
        let told = Qris::parse(&text).expect_err(&text);
        let is_same = told == error || matches!((&told, &error), (QrisError::Checksum { .. }, QrisError::Checksum { .. }));
        assert!(is_same, "{text}: {told:?}, not {error:?}");
        assert!(domain::Hint::hint(&told).is_some());
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(amount in 1_i64..=10_000_000, merchant in "[A-Z][A-Z ]{0,23}[A-Z]") {
        let text = with(Some(&amount.to_string()), "360", "ID", &merchant);
        let read = Qris::parse(&text).expect("a code");
        prop_assert_eq!(read.check_amount(Idr(amount)), Ok(()));
        prop_assert_eq!(read.merchant(), merchant.as_str());
        let body: String = read.fields().iter().map(|one| field(&one.tag, &one.value)).collect();
        prop_assert_eq!(closed(&body), text);
    }

    #[test]
    fn a_single_wrong_character_is_noticed(amount in 1_i64..=10_000_000, place in 0_usize..200, letter in any::<char>()) {
        let text = code(Some(&amount.to_string()));
        let place = place % text.len();
        let mut letters: Vec<char> = text.chars().collect();
        prop_assume!(letters[place] != letter);
        letters[place] = letter;
        prop_assert!(Qris::parse(&letters.into_iter().collect::<String>()).is_err());
    }

    #[test]
    fn a_missing_or_additional_character_is_noticed(place in 0_usize..200, letter in "[0-9A-Z]") {
        let text = code(Some("25000"));
        let place = place % text.len();
        let mut shorter = text.clone();
        shorter.remove(place);
        prop_assert!(Qris::parse(&shorter).is_err());
        let mut longer = text.clone();
        longer.insert_str(place, &letter);
        prop_assert!(Qris::parse(&longer).is_err());
    }

    #[test]
    fn garbage_is_refused_quietly(text in any::<String>(), digits in "[0-9]{0,600}") {
        prop_assert!(Qris::parse(&text).is_err());
        // Well closed, whatever is inside: only the structure can speak against it.
        let _ = Qris::parse(&closed(&digits));
        let _ = Qris::parse(&closed(&text));
    }
}
