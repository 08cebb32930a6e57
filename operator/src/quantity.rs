//! Quantities, as Kubernetes writes them: `1000m` and `1` are one amount, and `1024Mi` is `1Gi`.

use serde_json::Value;

/// Whether the values of a field that holds quantities, or a map of them, are equal amounts.
pub fn equal(field: &str, one: &Value, other: &Value) -> bool {
    match field {
        "requests" | "limits" => match (one, other) {
            (Value::Object(one), Value::Object(other)) => {
                one.iter().all(|(key, value)| other.get(key).is_some_and(|other| same(value, other)))
            }
            _ => false,
        },
        "averageValue" | "sizeLimit" | "divisor" => same(one, other),
        _ => false,
    }
}

fn same(one: &Value, other: &Value) -> bool {
    match (nanos(one), nanos(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

/// The amount in billionths, beyond which Kubernetes keeps nothing; `None` if it is no quantity, or a fraction or a number
/// that nobody needs.
fn nanos(value: &Value) -> Option<i128> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let end = text.find(|c: char| !(c.is_ascii_digit() || "+-.".contains(c))).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let (binary, decimal) = factor(suffix)?;
    let decimal = 9 + decimal - i32::try_from(fraction.len()).ok()?;
    let scaled = digits.checked_mul(1 << binary)?;
    let power = 10_i128.checked_pow(decimal.unsigned_abs())?;
    if decimal >= 0 { scaled.checked_mul(power) } else { (scaled % power == 0).then(|| scaled / power) }
}

/// What a suffix multiplies by: powers of 2 and of 10.
fn factor(suffix: &str) -> Option<(u32, i32)> {
    const DECIMAL: [(&str, i32); 10] =
        [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
    const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    if let Some((_, power)) = DECIMAL.into_iter().find(|(known, _)| *known == suffix) {
        return Some((0, power));
    }
    if let Some(at) = BINARY.into_iter().position(|known| known == suffix) {
        return Some((10 * (u32::try_from(at).ok()? + 1), 0));
    }
    suffix.strip_prefix(['e', 'E'])?.parse().ok().map(|power| (0, power))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_amounts_are_equal_however_they_are_written() {
        let groups = [
            vec![json!("1"), json!("1000m"), json!("1.0"), json!("1e0"), json!(1), json!("+1"), json!("1000000000n")],
            vec![json!("1Gi"), json!("1024Mi"), json!("1073741824"), json!("1048576Ki")],
            vec![json!("1.5Gi"), json!("1536Mi")],
            vec![json!("1k"), json!("1000"), json!("1e3"), json!("1E3"), json!("0.001M")],
            vec![json!("100m"), json!("0.1"), json!(0.1)],
            vec![json!("16Ei")],
            vec![json!("0"), json!("0Mi"), json!("-0")],
        ];
        for (at, group) in groups.iter().enumerate() {
            for one in group {
                for (other_at, other) in
                    groups.iter().enumerate().flat_map(|(at, all)| all.iter().map(move |it| (at, it)))
                {
                    assert_eq!(same(one, other), at == other_at, "{one} and {other}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_quantity_is_equal_to_itself_only() {
        for odd in ["", "Mi", "1.2.3", "1 Gi", "1kb", "--1", "1e99", "99999999999999999999999999999Ei"] {
            assert_eq!(nanos(&json!(odd)), None, "{odd}");
            assert!(same(&json!(odd), &json!(odd)) && !same(&json!(odd), &json!("1")));
        }
    }

    #[test]
    fn only_fields_of_quantities_are_taken_so() {
        let (one, other) = (json!("1000m"), json!("1"));
        assert!(equal("averageValue", &one, &other) && !equal("value", &one, &other));
        assert!(equal("limits", &json!({ "cpu": "1000m" }), &json!({ "cpu": "1", "memory": "1Gi" })));
        assert!(!equal("limits", &json!({ "cpu": "1000m", "memory": "1Gi" }), &json!({ "cpu": "1" })));
    }
}
