//! Filters as SQL.

use super::{Plan, Sql};
use crate::Error;
use crate::db::Value;
use crate::query::{Filter, Operator, Scalar};
use crate::search::Term;

impl Plan<'_> {
    /// What must hold, but for the filter that the walk fulfils.
    pub(super) fn conditions(
        &self,
        sql: &mut Sql,
        fulfilled: Option<usize>,
    ) -> Result<Vec<String>, Error> {
        let mut conditions = Vec::new();
        let find = self.dialect.find;
        match &self.term {
            Some(Term::Phrase(words)) => {
                let phrase = sql.bind(format!(" {} ", words.join(" ")));
                conditions.push(format!("{find}(v.\"words\", {phrase}) > 0"));
            }
            // What is not broad was found by its words.
            Some(Term::Any { words, prefix }) if self.broad => {
                let mut any = vec![format!(" {prefix}")];
                any.extend(words.iter().map(|word| format!(" {word} ")));
                let any: Vec<String> = any
                    .into_iter()
                    .map(|word| format!("{find}(v.\"words\", {}) > 0", sql.bind(word)))
                    .collect();
                conditions.push(format!("({})", any.join(" OR ")));
            }
            _ => {}
        }
        for (index, filter) in self.list.filters.iter().enumerate() {
            if fulfilled != Some(index) {
                conditions.push(self.condition(sql, filter)?);
            }
        }
        Ok(conditions)
    }

    fn condition(&self, sql: &mut Sql, filter: &Filter) -> Result<String, Error> {
        let joined = |sql: &mut Sql, filters: &[Filter], with: &str, none: &str| {
            let each: Vec<String> = filters
                .iter()
                .map(|filter| self.condition(sql, filter))
                .collect::<Result<_, Error>>()?;
            Ok(match each.len() {
                0 => none.to_owned(),
                _ => format!("({})", each.join(with)),
            })
        };
        match filter {
            Filter::And(filters) => joined(sql, filters, " AND ", "1 = 1"),
            Filter::Or(filters) => joined(sql, filters, " OR ", "1 = 0"),
            Filter::Compare {
                column,
                operator,
                values,
            } => self.comparison(sql, column, *operator, values),
        }
    }

    fn comparison(
        &self,
        sql: &mut Sql,
        column: &'static str,
        operator: Operator,
        values: &[Scalar],
    ) -> Result<String, Error> {
        let column = self.column(column)?;
        let fold = format!("{}({column})", self.dialect.fold);
        let find = self.dialect.find;
        let compare = |sql: &mut Sql, symbol: &str, with: &str, none: &str| {
            let each: Vec<String> = values
                .iter()
                .map(|value| format!("{column} {symbol} {}", sql.bind(scalar(value))))
                .collect();
            match each.len() {
                0 => none.to_owned(),
                _ => format!("({})", each.join(with)),
            }
        };
        // `?` stands for the value in lower case.
        let textual = |sql: &mut Sql, pattern: &str, with: &str, none: &str| {
            let each: Vec<String> = values
                .iter()
                .map(|value| {
                    let text = crate::db::fold(&scalar_text(value));
                    pattern.replace('?', &sql.bind(text))
                })
                .collect();
            match each.len() {
                0 => none.to_owned(),
                _ => format!("({})", each.join(with)),
            }
        };
        let range = |sql: &mut Sql, not: &str| match values {
            [low, high] => {
                let low = sql.bind(scalar(low));
                let high = sql.bind(scalar(high));
                format!("{column} {not}BETWEEN {low} AND {high}")
            }
            _ => "1 = 0".to_owned(),
        };
        let begins = format!("substr({fold}, 1, length(?)) = ?");
        let ends = format!(
            "(length({fold}) >= length(?) \
             AND substr({fold}, length({fold}) - length(?) + 1) = ?)"
        );
        Ok(match operator {
            Operator::Equal => compare(sql, "=", " OR ", "1 = 0"),
            Operator::NotEqual => compare(sql, "<>", " AND ", "1 = 1"),
            Operator::Less => compare(sql, "<", " AND ", "1 = 0"),
            Operator::LessEqual => compare(sql, "<=", " AND ", "1 = 0"),
            Operator::Greater => compare(sql, ">", " AND ", "1 = 0"),
            Operator::GreaterEqual => compare(sql, ">=", " AND ", "1 = 0"),
            Operator::Between => range(sql, ""),
            Operator::NotBetween => range(sql, "NOT "),
            Operator::IsNull => format!("{column} IS NULL"),
            Operator::IsNotNull => format!("{column} IS NOT NULL"),
            Operator::StartsWith => textual(sql, &begins, " OR ", "1 = 0"),
            Operator::NotStartsWith => textual(sql, &format!("NOT {begins}"), " AND ", "1 = 1"),
            Operator::EndsWith => textual(sql, &ends, " OR ", "1 = 0"),
            Operator::NotEndsWith => textual(sql, &format!("NOT {ends}"), " AND ", "1 = 1"),
            Operator::Contains => textual(sql, &format!("{find}({fold}, ?) > 0"), " OR ", "1 = 0"),
            Operator::NotContains => {
                textual(sql, &format!("{find}({fold}, ?) = 0"), " AND ", "1 = 1")
            }
        })
    }

    /// A column as an expression.
    pub(super) fn column(&self, name: &str) -> Result<String, Error> {
        let table = self.source.names.table;
        if name == "sequence" {
            return Ok("d.sequence".to_owned());
        }
        if let Some((_, expression)) = table.computed.iter().find(|(known, _)| *known == name) {
            return Ok(format!("({expression})"));
        }
        match table.columns.iter().find(|column| column.name == name) {
            Some(column) => Ok(format!("v.\"{}\"", column.name)),
            None => Err(Error::UnknownColumn(name.to_owned())),
        }
    }
}

/// A value as the text of a facet.
pub(super) fn scalar_text(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Text(text) => text.clone(),
        Scalar::Integer(number) => number.to_string(),
        Scalar::Float(number) => number.to_string(),
        Scalar::Boolean(boolean) => i64::from(*boolean).to_string(),
    }
}

fn scalar(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::Text(text) => text.as_str().into(),
        Scalar::Integer(number) => (*number).into(),
        Scalar::Float(number) => Value::Real(*number),
        Scalar::Boolean(boolean) => (*boolean).into(),
    }
}
