//! What is asked of the beans, and the answer.

use serde_json::Value;

use super::{Bean, Beans, ObjectName, json};

/// The parameters of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// `qry`: a pattern of names.
    pub qry: Option<String>,
    /// `get`: the name of a bean and one of its attributes, as `bean::attribute`. Counts before `qry`.
    pub get: Option<String>,
}

/// The body of the answer. Mistakes are told in it, as Hadoop's servlet does; its status is 200 as well.
pub fn answer(beans: &Beans, query: &Query) -> String {
    let Some(get) = &query.get else {
        let pattern = query.qry.as_deref().filter(|qry| !qry.is_empty()).unwrap_or("*:*");
        return listing(beans, pattern, None);
    };
    match get.split("::").collect::<Vec<_>>().as_slice() {
        [name, attribute] => listing(beans, name, Some(attribute)),
        _ => {
            let fields = [("result", Value::from("ERROR")), ("message", "query format is not as expected.".into())];
            let mut out = String::new();
            json::object(fields.iter().map(|(key, value)| (*key, value)), 0, &mut out);
            out
        }
    }
}

/// All beans of a pattern; or the first one, with a single attribute.
fn listing(beans: &Beans, pattern: &str, attribute: Option<&str>) -> String {
    let pattern = match ObjectName::parse(pattern) {
        Ok(pattern) => pattern,
        Err(error) => {
            tracing::debug!(%error, "no pattern of beans");
            return "{ }".to_owned();
        }
    };
    let mut found = beans.matching(&pattern);
    if attribute.is_some() {
        found.truncate(1);
    }
    let mut out = String::from("{\n  \"beans\" : [ ");
    for (at, bean) in found.iter().enumerate() {
        out.push_str(if at == 0 { "" } else { ", " });
        show(bean, attribute, &mut out);
    }
    out.push_str(if found.is_empty() { "]\n}" } else { " ]\n}" });
    out
}

/// A bean that cannot be read costs only itself: it is shown without attributes.
fn show(bean: &Bean, wanted: Option<&str>, out: &mut String) {
    let mut attributes = (bean.read)().unwrap_or_else(|error| {
        tracing::warn!(bean = %bean.name, %error, "a bean cannot be read");
        Vec::new()
    });
    if let Some(wanted) = wanted {
        // What is null is not there for Hadoop's servlet, if it is asked for alone.
        attributes.retain(|(name, value)| name == wanted && !value.is_null());
        if attributes.is_empty() {
            let message = format!("No attribute with name {wanted} was found.");
            attributes = vec![("result".into(), "ERROR".into()), ("message".into(), message.into())];
        }
    }
    let head = [("name", bean.name.to_string()), ("modelerType", bean.modeler_type.to_string())];
    let head = head.map(|(key, value)| (key, Value::from(value)));
    let fields = head.iter().map(|(key, value)| (*key, value));
    json::object(fields.chain(attributes.iter().map(|(key, value)| (key.as_ref(), value))), 2, out);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::RwLock;
    use serde_json::json;

    use super::*;

    fn beans() -> Beans {
        let beans = Beans::new();
        let read = || {
            Ok(vec![("State".into(), "active".into()), ("Threads".into(), 3.into()), ("Session".into(), Value::Null)])
        };
        beans.register(Bean::new(ObjectName::hadoop("NameNode", "NameNodeStatus"), "a.Status", read));
        let broken = || Err("no reason".to_owned());
        beans.register(Bean::new(ObjectName::hadoop("Router", "Broken"), "a.Broken", broken));
        let memory = || Ok(vec![("Heap".into(), json!({ "used": 1, "max": 2 }))]);
        beans.register(Bean::new(ObjectName::java_lang("Memory"), "b.Memory", memory));
        beans
    }

    fn ask(qry: Option<&str>, get: Option<&str>) -> String {
        answer(&beans(), &Query { qry: qry.map(str::to_owned), get: get.map(str::to_owned) })
    }

    const STATUS: &str = r#"{
  "beans" : [ {
    "name" : "Hadoop:service=NameNode,name=NameNodeStatus",
    "modelerType" : "a.Status",
    "State" : "active"
  } ]
}"#;
    const NO_ATTRIBUTE: &str = r#"{
  "beans" : [ {
    "name" : "java.lang:type=Memory",
    "modelerType" : "b.Memory",
    "result" : "ERROR",
    "message" : "No attribute with name Nope was found."
  } ]
}"#;
    const NULL: &str = r#"{
  "beans" : [ {
    "name" : "Hadoop:service=NameNode,name=NameNodeStatus",
    "modelerType" : "a.Status",
    "result" : "ERROR",
    "message" : "No attribute with name Session was found."
  } ]
}"#;
    const ALL: &str = r#"{
  "beans" : [ {
    "name" : "Hadoop:service=NameNode,name=NameNodeStatus",
    "modelerType" : "a.Status",
    "State" : "active",
    "Threads" : 3,
    "Session" : null
  }, {
    "name" : "Hadoop:service=Router,name=Broken",
    "modelerType" : "a.Broken"
  }, {
    "name" : "java.lang:type=Memory",
    "modelerType" : "b.Memory",
    "Heap" : {
      "max" : 2,
      "used" : 1
    }
  } ]
}"#;
    const FORMAT: &str = "{\n  \"result\" : \"ERROR\",\n  \"message\" : \"query format is not as expected.\"\n}";
    const NONE: &str = "{\n  \"beans\" : [ ]\n}";

    #[test]
    fn answers_are_those_of_hadoops_servlet() {
        let rows = [
            (None, None, ALL),
            (Some(""), None, ALL),
            (Some("Hadoop:service=Nope,name=*"), None, NONE),
            (Some("x"), None, "{ }"),
            (None, Some("Hadoop:service=NameNode,name=NameNodeStatus::State"), STATUS),
            (Some("java.lang:*"), Some("Hadoop:service=NameNode,*::State"), STATUS),
            (None, Some("java.lang:type=Memory::Nope"), NO_ATTRIBUTE),
            (None, Some("Hadoop:service=NameNode,name=NameNodeStatus::Session"), NULL),
            (None, Some("Hadoop:service=Nope,name=*::State"), NONE),
            (None, Some("x::State"), "{ }"),
            (None, Some("x"), FORMAT),
            (None, Some(""), FORMAT),
            (None, Some("a:*::b::c"), FORMAT),
        ];
        for (qry, get, expected) in rows {
            assert_eq!(ask(qry, get), expected, "{qry:?} {get:?}");
        }
    }

    #[test]
    fn a_bean_of_the_same_name_is_replaced() {
        let beans = beans();
        let again = ObjectName::parse("Hadoop:name=NameNodeStatus,service=NameNode").unwrap();
        beans.register(Bean::new(again, "c", || Ok(vec![("State".into(), "standby".into())])));
        let all = answer(&beans, &Query::default());
        assert_eq!(all.matches("NameNodeStatus").count(), 1, "{all}");
        assert!(all.contains("standby"), "{all}");
    }
    #[test]
    fn beans_of_a_family_come_and_go() {
        let beans = beans();
        let members = Arc::new(RwLock::new(vec!["a"]));
        let now = members.clone();
        beans.register_family(move || {
            let one = |name: &&str| Bean::new(ObjectName::hadoop("Member", name), *name, || Ok(Vec::new()));
            now.read().iter().map(one).collect()
        });
        let shown = || {
            let all = answer(&beans, &Query { qry: Some("Hadoop:service=Member,*".to_owned()), get: None });
            all.matches("Hadoop:service=Member,name=").count()
        };
        assert_eq!(shown(), 1);
        *members.write() = vec!["b", "c"];
        assert_eq!(shown(), 2);
        members.write().clear();
        assert_eq!(shown(), 0);
    }
}
