//! `/logLevel`, in the form that `hadoop daemonlog` reads: lines that begin with `<!-- OUTPUT -->`, tags removed.

use tracing_subscriber::filter::LevelFilter;

use crate::logging::Levels;

/// The page for a target and a level to set, both as they were sent. Without a target it only offers the forms.
pub fn log_level(levels: Option<&Levels>, target: Option<&str>, level: Option<&str>) -> String {
    let mut page = String::from("<html>\n<title>Log Level</title>\n<body>\n<h1>Log Level</h1>\n");
    if let Some(target) = target.map(str::trim).filter(|target| !target.is_empty()) {
        page.push_str("<h3>Results</h3>\n");
        for line in results(levels, target, level.map(str::trim).filter(|level| !level.is_empty())) {
            page.push_str(&format!("<!-- OUTPUT -->{line}<br />\n"));
        }
    }
    page.push_str(FORMS);
    page
}

const FORMS: &str = "<h3>Get / Set</h3>
<form>Class Name: <input type='text' size='50' name='log' /> <input type='submit' value='Get Log Level' /></form>
<form>Class Name: <input type='text' size='50' name='log' /> Level: <input type='text' name='level' /> \
<input type='submit' value='Set Log Level' /></form>
<p>A class is a target of log lines, such as anabranch_router::upstream, or root for all that have no level of their \
own.</p>
</body></html>
";

fn results(levels: Option<&Levels>, target: &str, level: Option<&str>) -> Vec<String> {
    let mut lines = vec![
        format!("Submitted Class Name: <b>{}</b>", escape(target)),
        "Log Class: <b>tracing_subscriber::EnvFilter</b>".to_owned(),
    ];
    let Some(levels) = levels else {
        lines.push("Sorry, this process keeps no log".to_owned());
        return lines;
    };
    if let Some(level) = level {
        lines.push(format!("Submitted Level: <b>{}</b>", escape(level)));
        match parse(level) {
            None => lines.push(format!("Bad Level : <b>{}</b>", escape(level))),
            Some(filter) => {
                lines.push(format!("Setting Level to {} ...", name(filter)));
                match levels.set(target, filter) {
                    Ok(()) => tracing::info!(target, level = %filter, "log level changed"),
                    Err(reason) => lines.push(format!("Cannot set it: {}", escape(&reason))),
                }
            }
        }
    }
    lines.push(format!("Effective Level: <b>{}</b>", name(levels.effective(target))));
    lines
}

/// The levels of log4j; those that do not exist here are the next ones that do.
fn parse(level: &str) -> Option<LevelFilter> {
    match level.to_ascii_uppercase().as_str() {
        "OFF" => Some(LevelFilter::OFF),
        "FATAL" | "ERROR" => Some(LevelFilter::ERROR),
        "WARN" => Some(LevelFilter::WARN),
        "INFO" => Some(LevelFilter::INFO),
        "DEBUG" => Some(LevelFilter::DEBUG),
        "TRACE" | "ALL" => Some(LevelFilter::TRACE),
        _ => None,
    }
}

fn name(level: LevelFilter) -> String {
    level.to_string().to_ascii_uppercase()
}

/// Text that is not markup.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(target: &str, level: Option<&str>) -> Vec<String> {
        let levels = Levels::new("info,a=warn".to_owned(), Box::new(|_| Ok(())));
        let page = log_level(Some(&levels), Some(target), level);
        let lines = page.lines().filter_map(|line| line.strip_prefix("<!-- OUTPUT -->"));
        lines.map(|line| line.trim_end_matches("<br />").to_owned()).collect()
    }

    #[test]
    fn levels_are_shown_and_set_in_hadoops_words() {
        let class = "Log Class: <b>tracing_subscriber::EnvFilter</b>";
        let rows: [(&str, Option<&str>, &[&str]); 5] = [
            ("a", None, &["Submitted Class Name: <b>a</b>", class, "Effective Level: <b>WARN</b>"]),
            ("a<b", Some(""), &["Submitted Class Name: <b>a&lt;b</b>", class, "Effective Level: <b>WARN</b>"]),
            (
                "b.c",
                Some("debug"),
                &[
                    "Submitted Class Name: <b>b.c</b>",
                    class,
                    "Submitted Level: <b>debug</b>",
                    "Setting Level to DEBUG ...",
                    "Effective Level: <b>DEBUG</b>",
                ],
            ),
            (
                "root",
                Some("FOO"),
                &[
                    "Submitted Class Name: <b>root</b>",
                    class,
                    "Submitted Level: <b>FOO</b>",
                    "Bad Level : <b>FOO</b>",
                    "Effective Level: <b>INFO</b>",
                ],
            ),
            (
                "b=c",
                Some("ALL"),
                &[
                    "Submitted Class Name: <b>b=c</b>",
                    class,
                    "Submitted Level: <b>ALL</b>",
                    "Setting Level to TRACE ...",
                    "Cannot set it: \"b=c\" is no target of log lines",
                    "Effective Level: <b>INFO</b>",
                ],
            ),
        ];
        for (target, level, expected) in rows {
            assert_eq!(shown(target, level), expected, "{target} {level:?}");
        }
    }

    #[test]
    fn without_a_target_there_are_only_the_forms() {
        let page = log_level(None, None, Some("DEBUG"));
        assert!(!page.contains("OUTPUT") && page.contains("name='log'"), "{page}");
    }
}
