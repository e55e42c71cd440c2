//! Ranges of an index: the newest rows of one, for lists that are bounded looks, and the end of what begins with a text.

use sea_orm::Value;
use uuid::Uuid;

use super::SqlDialect;

/// The rows that have given values in the first columns of an index, whose last column is the id.
pub(crate) struct IndexRange {
    /// The table of the index.
    pub table: &'static str,
    /// The index; `None` for the primary key. SQLite is told to take it: it expects to read the whole range, and may find the
    /// table cheaper.
    pub index: Option<&'static str>,
    /// The columns before the id, in the order of the index, each with the value that the rows have.
    pub keys: Vec<(&'static str, Value)>,
    /// Only rows with this id or a later one.
    pub from: Option<Uuid>,
    /// Only rows with an earlier id than this one.
    pub below: Option<Uuid>,
}

impl IndexRange {
    /// The beginning of a statement with two tables: `looked`, the newest `count` rows of the range, and `last_looked`,
    /// which has the id of the last of them if there are so many. Adds its values to those of the statement.
    ///
    /// The bounds and the order are those of the last key and the id, which only this index has, so both planners take it
    /// for any values. With `=` and the order of ids alone, PostgreSQL may take the primary key: it goes back through the
    /// whole table where the rows with these values are old. The bounds include their ids: of a comparison
    /// of rows PostgreSQL estimates the first column only, and by `<` it expects no row with these values. `count` stands in
    /// the text, since PostgreSQL takes a parameter for a tenth of all rows.
    pub(crate) fn looked(&self, dialect: SqlDialect, columns: &str, count: u64, values: &mut Vec<Value>) -> String {
        let table = match self.index {
            Some(index) if !dialect.is_postgres() => format!("{} INDEXED BY {index}", self.table),
            _ => self.table.to_owned(),
        };
        let conditions = self.conditions(values);
        let filter = if conditions.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", conditions.join(" AND "))
        };
        let names = self.keys.iter().map(|(name, _)| *name).chain(["id"]);
        let order: Vec<String> = names.map(|name| format!("{name} DESC")).collect();
        let (order, last) = (order.join(", "), count - 1);
        format!(
            "WITH looked AS MATERIALIZED (SELECT {columns} FROM {table}{filter} ORDER BY {order} LIMIT {count}), \
             last_looked AS MATERIALIZED (SELECT id FROM looked ORDER BY id DESC LIMIT 1 OFFSET {last})"
        )
    }

    fn conditions(&self, values: &mut Vec<Value>) -> Vec<String> {
        let mut place = |value: Value| {
            values.push(value);
            format!("${}", values.len())
        };
        let keys = self.keys.iter().map(|(name, value)| (*name, place(value.clone())));
        let mut keys: Vec<(&str, String)> = keys.collect();
        // PostgreSQL does not see in a comparison of rows that a partial index has them all.
        let is_known = keys.first().map(|(name, _)| format!("{name} IS NOT NULL"));
        let last = keys.pop();
        let same = keys.into_iter().map(|(name, key)| format!("{name} = {key}"));
        // A bound by the last key and an id, or by that key alone.
        let mut bound = |id: Option<Uuid>, compares: &str| match (id, &last) {
            (Some(id), Some((name, key))) => Some(format!("({name}, id) {compares} ({key}, {})", place(id.into()))),
            (Some(id), None) => Some(format!("id {compares} {}", place(id.into()))),
            (None, Some((name, key))) => Some(format!("{name} {compares} {key}")),
            (None, None) => None,
        };
        let bounds = [bound(self.from, ">="), bound(self.below.map(before), "<=")];
        let bounds = bounds.into_iter().flatten();
        is_known.into_iter().chain(same).chain(bounds).collect()
    }
}

/// The id before an id.
fn before(id: Uuid) -> Uuid {
    Uuid::from_u128(id.as_u128().saturating_sub(1))
}

/// The smallest text above all texts that begin with this one, in the order of their bytes; `None` if there is none.
pub(crate) fn after_all_with_prefix(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use sea_orm::DbBackend;

    use super::*;

    #[test]
    fn what_begins_with_a_text_is_a_range() {
        for prefix in ["a", "ana@", "é", "z\u{10ffff}", "\u{d7ff}", "50%", "_", "\u{7f}"] {
            let end = after_all_with_prefix(prefix).expect("there is a greater text");
            for within in ["", "a", "\u{10ffff}", "\0"] {
                let text = format!("{prefix}{within}");
                assert!(prefix <= text.as_str() && text < end, "{text:?} is not before {end:?}");
            }
            assert!(!end.starts_with(prefix), "{end:?}");
        }
        assert_eq!(after_all_with_prefix("az").as_deref(), Some("a{"));
        assert_eq!(after_all_with_prefix("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(after_all_with_prefix("\u{10ffff}"), None);
    }

    fn text(keys: &[&'static str], from: Option<Uuid>, below: Option<Uuid>) -> (String, Vec<Value>) {
        let range = IndexRange {
            table: "t",
            index: Some("t_by_key"),
            keys: keys.iter().map(|name| (*name, Value::from(*name))).collect(),
            from,
            below,
        };
        let mut values = vec![Value::from("before")];
        let text = range.looked(SqlDialect::new(DbBackend::Postgres), "id", 51, &mut values);
        let begin = "WITH looked AS MATERIALIZED (SELECT id FROM t";
        let end = " LIMIT 51), last_looked AS MATERIALIZED (SELECT id FROM looked ORDER BY id DESC LIMIT 1 OFFSET 50)";
        let middle = text.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end));
        (middle.expect("it begins and ends so").to_owned(), values)
    }

    #[test]
    fn bounds_are_keys_of_the_index() {
        let (early, late) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(text(&[], None, None).0, " ORDER BY id DESC");
        let (between, values) = text(&[], Some(early), Some(late));
        assert_eq!(between, " WHERE id >= $2 AND id <= $3 ORDER BY id DESC");
        assert_eq!(values[1..], [Value::from(early), Value::from(before(late))]);
        assert_eq!(
            text(&["a"], None, None).0,
            " WHERE a IS NOT NULL AND a >= $2 AND a <= $2 ORDER BY a DESC, id DESC"
        );
        let (below, values) = text(&["a", "b"], None, Some(late));
        assert_eq!(
            below,
            " WHERE a IS NOT NULL AND a = $2 AND b >= $3 AND (b, id) <= ($3, $4) ORDER BY a DESC, b DESC, id DESC"
        );
        assert_eq!(
            values[1..],
            [Value::from("a"), Value::from("b"), Value::from(before(late))]
        );
    }
}
