//! JSON as Hadoop's servlet lays it out. Scripts that look for `"State" : "active"` line by line find it.

use serde_json::Value;

/// Writes a value below `indent` spaces.
pub(super) fn write(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Array(items) if items.is_empty() => out.push_str("[ ]"),
        Value::Array(items) => {
            out.push_str("[ ");
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                write(item, indent, out);
            }
            out.push_str(" ]");
        }
        Value::Object(fields) => object(fields.iter().map(|(key, value)| (key.as_str(), value)), indent, out),
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// Writes an object whose fields keep their order.
pub(super) fn object<'a>(fields: impl Iterator<Item = (&'a str, &'a Value)>, indent: usize, out: &mut String) {
    let inner = indent + 2;
    let mut first = true;
    out.push('{');
    for (key, value) in fields {
        out.push_str(if first { "" } else { "," });
        first = false;
        line(inner, out);
        out.push_str(&Value::from(key).to_string());
        out.push_str(" : ");
        write(value, inner, out);
    }
    if first {
        out.push(' ');
    } else {
        line(indent, out);
    }
    out.push('}');
}

fn line(indent: usize, out: &mut String) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_laid_out_as_hadoop_does() {
        let rows = [
            (json!({}), "{ }"),
            (json!([]), "[ ]"),
            (json!([1, "a", null]), "[ 1, \"a\", null ]"),
            (json!({"a": 0.0, "b": {"c": true}}), "{\n  \"a\" : 0.0,\n  \"b\" : {\n    \"c\" : true\n  }\n}"),
            (json!([{"a": "q\"\n"}]), "[ {\n  \"a\" : \"q\\\"\\n\"\n} ]"),
        ];
        for (value, expected) in rows {
            let mut text = String::new();
            write(&value, 0, &mut text);
            assert_eq!(text, expected);
        }
    }
}
