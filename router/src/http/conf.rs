//! `/conf`: the configuration in effect, without secrets.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::redact::Redactor;
use crate::config::{Effective, Property};

/// The properties, and what of them is secret.
pub(super) struct Conf {
    properties: Effective,
    redactor: Redactor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Xml,
    Json,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    name: Option<String>,
    format: Option<String>,
}

pub(super) async fn conf(State(conf): State<Arc<Conf>>, Query(asked): Query<Asked>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = match format(asked.format.as_deref(), accept) {
        Ok(format) => format,
        Err(bad) => return (StatusCode::BAD_REQUEST, format!("Bad format: {bad}\n")).into_response(),
    };
    let kind = match format {
        Format::Xml => "text/xml; charset=utf-8",
        Format::Json => "application/json; charset=utf-8",
    };
    match conf.render(asked.name.as_deref().filter(|name| !name.is_empty()), format) {
        Some(body) => ([(header::CONTENT_TYPE, kind)], body).into_response(),
        None => (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, kind)]).into_response(),
    }
}

/// The parameter decides, else what the client accepts; XML where neither does.
fn format<'a>(parameter: Option<&'a str>, accept: Option<&str>) -> Result<Format, &'a str> {
    match parameter {
        Some("xml") => Ok(Format::Xml),
        Some("json") => Ok(Format::Json),
        Some(other) => Err(other),
        None if accept.is_some_and(|accept| accept.contains("application/json")) => Ok(Format::Json),
        None => Ok(Format::Xml),
    }
}

impl Conf {
    pub(super) fn new(properties: Effective) -> Self {
        Self { redactor: Redactor::new(properties.properties()), properties }
    }

    /// All properties, or the one of a name; none if it is not set.
    fn render(&self, name: Option<&str>, format: Format) -> Option<String> {
        let all = self.properties.properties();
        let Some(name) = name else {
            return Some(match format {
                Format::Xml => self.xml(all),
                Format::Json => json!({ "properties": self.all_json(all) }).to_string(),
            });
        };
        let one = all.iter().find(|property| property.name == name)?;
        Some(match format {
            Format::Xml => self.xml(std::slice::from_ref(one)),
            Format::Json => json!({ "property": self.json(one) }).to_string(),
        })
    }

    fn all_json(&self, properties: &[Property]) -> Vec<Value> {
        properties.iter().map(|property| self.json(property)).collect()
    }

    fn json(&self, property: &Property) -> Value {
        let value = if self.redactor.is_secret(&property.name) { "<redacted>" } else { &property.value };
        json!({
            "key": property.name,
            "value": value,
            "isFinal": property.is_final,
            "resource": property.source,
        })
    }

    fn xml(&self, properties: &[Property]) -> String {
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?><configuration>\n");
        for property in properties {
            let value = if self.redactor.is_secret(&property.name) { "******" } else { &property.value };
            xml.push_str(&format!(
                "<property><name>{}</name><value>{}</value><final>{}</final><source>{}</source></property>\n",
                escape(&property.name),
                escape(value),
                property.is_final,
                escape(&property.source),
            ));
        }
        xml.push_str("</configuration>\n");
        xml
    }
}

/// Text for XML, which has no place for most control characters.
fn escape(text: &str) -> String {
    let plain = text.replace(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t'), "\u{fffd}");
    quick_xml::escape::escape(plain.as_str()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conf() -> Conf {
        let property = |name: &str, value: &str, is_final, source: &str| Property {
            name: name.to_owned(),
            value: value.to_owned(),
            is_final,
            source: source.to_owned(),
        };
        Conf::new(Effective::new(vec![
            property("a", "<1> & \u{1}", false, "hdfs-site.xml"),
            property("x.password", "hunter2", true, "core-site.xml"),
        ]))
    }

    #[test]
    fn properties_are_shown_as_hadoop_shows_them() {
        let (head, end) =
            ("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?><configuration>\n", "</configuration>\n");
        let a = "<property><name>a</name><value>&lt;1&gt; &amp; \u{fffd}</value><final>false</final>\
                 <source>hdfs-site.xml</source></property>\n";
        let password = "<property><name>x.password</name><value>******</value><final>true</final>\
                        <source>core-site.xml</source></property>\n";
        let json =
            r#"{"property":{"isFinal":true,"key":"x.password","resource":"core-site.xml","value":"<redacted>"}}"#;
        let all = r#"{"properties":[{"isFinal":false,"key":"a","resource":"hdfs-site.xml","value":"<1> & \u0001"},"#;
        let conf = conf();
        assert_eq!(conf.render(None, Format::Xml), Some(format!("{head}{a}{password}{end}")));
        assert_eq!(conf.render(Some("a"), Format::Xml), Some(format!("{head}{a}{end}")));
        assert_eq!(conf.render(Some("x.password"), Format::Json).as_deref(), Some(json));
        assert!(conf.render(None, Format::Json).unwrap().starts_with(all));
        for format in [Format::Xml, Format::Json] {
            assert_eq!(conf.render(Some("b"), format), None);
            assert!(!conf.render(None, format).unwrap().contains("hunter2"));
        }
    }

    #[test]
    fn the_format_is_the_one_that_is_asked_for() {
        let rows = [
            (None, None, Ok(Format::Xml)),
            (None, Some("text/html, */*"), Ok(Format::Xml)),
            (None, Some("text/html, application/json;q=0.5"), Ok(Format::Json)),
            (Some("xml"), Some("application/json"), Ok(Format::Xml)),
            (Some("json"), None, Ok(Format::Json)),
            (Some("text"), None, Err("text")),
        ];
        for (parameter, accept, expected) in rows {
            assert_eq!(format(parameter, accept), expected, "{parameter:?} {accept:?}");
        }
    }
}
