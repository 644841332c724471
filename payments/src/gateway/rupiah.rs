//! Amounts of the wire: numbers in the documents, text in some of what was recorded.

use domain::Idr;
use serde_json::Value;

/// Whole rupiah from `25000`, `25000.0`, `"25000"` or `"25000.00"`; `None` for anything else.
pub(crate) fn read(value: &Value) -> Option<Idr> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)).filter(|amount| *amount >= 0).map(Idr),
        Value::String(text) => {
            let (whole, cents) = text.split_once('.').unwrap_or((text, ""));
            let is_number = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit()) && cents.bytes().all(|byte| byte == b'0');
            if is_number { whole.parse().ok().map(Idr) } else { None }
        }
        _ => None,
    }
}

/// Numbers with a point are exact up to here.
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts_are_numbers_or_text() {
        for value in [json!(25000), json!(25000.0), json!("25000"), json!("25000.00"), json!("25000.")] {
            assert_eq!(read(&value), Some(Idr(25_000)), "{value}");
        }
        for value in
            [json!(0.5), json!(-1), json!("25,000"), json!("1e3"), json!(""), json!("25000.5"), json!(null), json!([1]), json!(1e300)]
        {
            assert_eq!(read(&value), None, "{value}");
        }
    }
}
