//! A table of what was measured beside what was aimed at.

use std::time::Duration;

/// What a number is compared with.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// Nothing; it is there to compare others with.
    None,
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
}

#[derive(Debug)]
struct Row {
    what: String,
    value: f64,
    unit: &'static str,
    goal: Goal,
}

/// The rows so far.
#[derive(Debug, Default)]
pub struct Report {
    rows: Vec<Row>,
}

impl Report {
    /// Adds a row.
    pub fn add(&mut self, what: &str, value: f64, unit: &'static str, goal: Goal) {
        self.rows.push(Row { what: what.to_owned(), value, unit, goal });
    }

    /// Prints the table.
    pub fn print(&self) {
        println!("{:<62} {:>14}     {:>12}", "what", "measured", "aimed at");
        for row in &self.rows {
            let (aim, verdict) = match row.goal {
                Goal::None => (String::new(), ""),
                Goal::AtMost(most) => (format!("<= {most}"), if row.value <= most { "met" } else { "MISSED" }),
                Goal::AtLeast(least) => (format!(">= {least}"), if row.value >= least { "met" } else { "MISSED" }),
            };
            let Row { what, value, unit, .. } = row;
            println!("{what:<62} {value:>14.2} {unit:<3} {aim:>12} {verdict}");
        }
    }
}

/// The middle value; of an even number of values the upper middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A duration as nanoseconds.
pub fn nanoseconds(time: Duration) -> f64 {
    time.as_nanos() as f64
}
