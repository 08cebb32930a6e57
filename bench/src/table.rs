//! Many runs as one table.

use crate::record::{Record, Shape, Usage};

/// What a column shows of a row.
type Cell = fn(&Row<'_>) -> String;

/// The columns and their headings.
const COLUMNS: [(&str, Cell); 12] = [
    ("op", |row| row.op.to_owned()),
    ("in flight", |row| row.shape.to_string()),
    ("server", |row| row.server.to_owned()),
    ("ops/s (min–max)", |row| row.rate()),
    ("p50 µs", |row| row.latency(|record| record.outcome.latency_us.p50)),
    ("p99 µs", |row| row.latency(|record| record.outcome.latency_us.p99)),
    ("router ms/1,000", |row| row.cpu("router")),
    ("NameNode ms/1,000", |row| row.cpu("namenode")),
    ("router MiB", |row| row.memory("router")),
    ("failed", |row| count(row.records.iter().map(|record| record.failed() as f64).sum())),
    ("ops/s ÷", |row| ratio(row.against(|record| Some(record.outcome.ops_per_s)))),
    ("router CPU ÷", |row| ratio(row.against(|record| record.cpu_us("router")))),
];

/// Columns that hold text and are aligned to the left.
const TEXT: usize = 3;

/// All runs of one server under one load.
struct Row<'a> {
    op: &'a str,
    shape: Shape,
    server: &'a str,
    records: Vec<&'a Record>,
    /// Of the baseline, under the same load; none for the baseline itself.
    baseline: Vec<&'a Record>,
}

/// A Markdown table with a row for each operation, shape and server, in the order of their first runs. The last two
/// columns set each server in relation to `baseline`, round by round.
pub fn render(records: &[Record], baseline: &str) -> String {
    let rows = rows(records, baseline);
    let mut lines: Vec<Vec<String>> = vec![COLUMNS.iter().map(|(title, _)| heading(title, baseline)).collect()];
    lines.extend(rows.iter().map(|row| COLUMNS.iter().map(|(_, cell)| cell(row)).collect()));
    let widths: Vec<usize> = (0..COLUMNS.len())
        .map(|column| lines.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0))
        .collect();
    let rule = widths.iter().enumerate().map(|(column, width)| match column < TEXT {
        true => "-".repeat(*width),
        false => "-".repeat(width.saturating_sub(1)) + ":",
    });
    lines.insert(1, rule.collect());
    lines.iter().map(|cells| line(cells, &widths)).collect()
}

/// The middle value, or the mean of the two in the middle; none of none.
pub fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        length if length % 2 == 0 => Some((values[middle - 1] + values[middle]) / 2.0),
        _ => Some(values[middle]),
    }
}

fn rows<'a>(records: &'a [Record], baseline: &str) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = Vec::new();
    for record in records {
        let same = |row: &&mut Row<'_>| row.op == record.op && row.shape == record.shape && row.server == record.server;
        match rows.iter_mut().find(same) {
            Some(row) => row.records.push(record),
            None => rows.push(Row {
                op: &record.op,
                shape: record.shape,
                server: &record.server,
                records: vec![record],
                baseline: Vec::new(),
            }),
        }
    }
    for row in rows.iter_mut().filter(|row| row.server != baseline) {
        let same = |record: &&Record| record.server == baseline && record.op == row.op && record.shape == row.shape;
        row.baseline = records.iter().filter(same).collect();
    }
    rows
}

impl Row<'_> {
    /// Whether calls were counted: `idle` makes none.
    fn active(&self) -> bool {
        self.records.iter().any(|record| record.outcome.operations > 0)
    }

    fn rate(&self) -> String {
        let rates = || self.records.iter().map(|record| record.outcome.ops_per_s);
        let (least, most) = rates().fold((f64::MAX, 0.0), |(least, most), rate| (rate.min(least), rate.max(most)));
        match median(rates()) {
            Some(middle) if self.active() => format!("{} ({}–{})", count(middle), count(least), count(most)),
            _ => String::new(),
        }
    }

    fn latency(&self, of: impl Fn(&Record) -> f64) -> String {
        let middle = median(self.records.iter().map(|record| of(record)));
        middle.filter(|_| self.active()).map_or_else(String::new, count)
    }

    fn cpu(&self, role: &str) -> String {
        let middle = median(self.records.iter().filter_map(|record| record.cpu_us(role)));
        middle.filter(|_| self.active()).map_or_else(String::new, |us| format!("{us:.1}"))
    }

    fn memory(&self, role: &str) -> String {
        let rss = |usage: &Usage| usage.rss_kib as f64 / 1024.0;
        let middle = median(self.records.iter().filter_map(|record| record.outcome.processes.get(role).map(rss)));
        middle.map_or_else(String::new, count)
    }

    /// The median over the rounds of this server's number over the baseline's of the same round.
    fn against(&self, number: impl Fn(&Record) -> Option<f64>) -> Option<f64> {
        let of_round =
            |round| self.baseline.iter().find(|record| record.round == round).and_then(|record| number(record));
        let ratios = self.records.iter().filter_map(|record| Some(number(record)? / of_round(record.round)?));
        median(ratios.filter(|ratio| ratio.is_finite())).filter(|_| self.active())
    }
}

fn heading(title: &str, baseline: &str) -> String {
    if title.ends_with('÷') { format!("{title} {baseline}") } else { title.to_owned() }
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let padded = cells.iter().zip(widths).enumerate().map(|(column, (cell, width))| match column < TEXT {
        true => format!("{cell:<width$}"),
        false => format!("{cell:>width$}"),
    });
    format!("| {} |\n", padded.collect::<Vec<_>>().join(" | "))
}

fn ratio(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| format!("{value:.2}"))
}

/// A whole number with its thousands apart.
fn count(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::record;

    #[test]
    fn medians_and_thousands() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median([4.0, 1.0].into_iter()), Some(2.5));
        assert_eq!(median([].into_iter()), None);
        for (value, text) in [(0.4, "0"), (999.0, "999"), (1000.0, "1,000"), (1_234_567.0, "1,234,567")] {
            assert_eq!(count(value), text);
        }
    }

    #[test]
    fn a_server_is_set_in_relation_to_the_baseline_of_its_round() {
        let records = [
            record("direct", 1, 4000.0, None),
            record("java", 1, 1000.0, Some(100.0)),
            record("ours", 1, 3000.0, Some(10.0)),
            // Noise: both have half the machine in this round.
            record("java", 2, 500.0, Some(110.0)),
            record("ours", 2, 1500.0, Some(11.0)),
        ];
        let table = render(&records, "java");
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines.len(), 5, "{table}");
        let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        assert_eq!(cells(lines[0])[11..13], ["ops/s ÷ java", "router CPU ÷ java"]);
        assert_eq!(cells(lines[2])[3..5], ["direct", "4,000 (4,000–4,000)"]);
        assert_eq!(cells(lines[2])[7..13], ["", "", "", "0", "4.00", ""]);
        assert_eq!(cells(lines[4])[3..5], ["ours", "2,250 (1,500–3,000)"]);
        assert_eq!(cells(lines[4])[7..13], ["10.5", "", "2", "0", "3.00", "0.10"]);
        let width = lines[0].chars().count();
        assert!(lines.iter().all(|line| line.chars().count() == width), "{table}");
    }
}
