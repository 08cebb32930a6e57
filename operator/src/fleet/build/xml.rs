//! Hadoop's configuration files.

use std::collections::BTreeMap;

use quick_xml::escape::escape;

/// A `*-site.xml` with these keys.
pub fn site(properties: &BTreeMap<String, String>) -> String {
    let property = |(name, value): (&String, &String)| {
        format!("  <property><name>{}</name><value>{}</value></property>\n", escape(name), escape(value))
    };
    let properties: String = properties.iter().map(property).collect();
    format!("<?xml version=\"1.0\"?>\n<configuration>\n{properties}</configuration>\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_xml_would_misread_is_escaped() {
        let site = super::site(&[("a.b".to_owned(), "<1 & \"2\">".to_owned())].into());
        assert!(site.contains("<name>a.b</name><value>&lt;1 &amp; &quot;2&quot;&gt;</value>"), "{site}");
    }
}
