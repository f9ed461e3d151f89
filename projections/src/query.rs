//! How a dialect asks a read model for a list: neutral to any wire format.

/// A list request. The dialect has checked names and types already.
#[derive(Clone, Debug, Default)]
pub struct List {
    /// All must hold.
    pub filters: Vec<Filter>,
    /// Words to look for in the search index, or empty.
    pub search: String,
    /// Sort keys in order; insertion order is always the last tie breaker.
    /// Empty: insertion order, oldest first.
    pub order: Vec<Order>,
    /// Where the page begins or ends.
    pub cursor: Option<Cursor>,
    /// Most rows to return.
    pub limit: u32,
    /// Rows to pass over.
    pub offset: u32,
    /// Count all matching rows (up to this many); none: do not count.
    pub count_up_to: Option<u32>,
}

/// A condition on a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// The column compares to the values; several values mean any of them.
    Compare {
        /// A column that the read model lists as filterable.
        column: &'static str,
        /// How.
        operator: Operator,
        /// What with.
        values: Vec<Scalar>,
    },
    /// All hold.
    And(Vec<Filter>),
    /// At least one holds.
    Or(Vec<Filter>),
}

impl Filter {
    /// The column holds this text.
    pub fn equals(column: &'static str, text: impl Into<String>) -> Self {
        Self::Compare {
            column,
            operator: Operator::Equal,
            values: vec![Scalar::Text(text.into())],
        }
    }
}

/// How a column compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Operator {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    /// Inclusive; exactly two values.
    Between,
    /// Outside of an inclusive range; exactly two values.
    NotBetween,
    /// No values.
    IsNull,
    /// No values.
    IsNotNull,
    /// Case-insensitive.
    StartsWith,
    /// Case-insensitive.
    NotStartsWith,
    /// Case-insensitive.
    EndsWith,
    /// Case-insensitive.
    NotEndsWith,
    /// Substring, case-insensitive.
    Contains,
    /// Not a substring, case-insensitive.
    NotContains,
}

/// A value to compare with.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Scalar {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
}

/// One sort key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// A sortable column, or none for insertion order, or random.
    pub by: OrderBy,
    /// Largest or newest first.
    pub descending: bool,
}

/// What to sort by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderBy {
    /// A column that the read model lists as sortable.
    Column(&'static str),
    /// The order in which the things were created.
    Insertion,
    /// No order.
    Random,
}

/// A page boundary by the id of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// The page begins right after this row.
    After(String),
    /// The page ends right before this row; rows keep the requested order.
    Before(String),
}

/// What a list request yields.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// How many rows match, up to the requested cap; 0 when not counted.
    pub total: u32,
}
