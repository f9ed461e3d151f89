//! Pages of lists: by number (section 2.1) and by token (section 2.2).

use std::cmp::Ordering;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use projections::query::{Filter, List, Operator, Order, OrderBy, Scalar};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::error::{Error, Kind};
use super::reply::Reply;
use super::request::Request;

/// Size of a numbered page when none is asked for.
const SIZE: u32 = 20;

/// Largest page of either kind.
const MOST: u32 = 100;

/// What a list can be sorted by: names on the wire, and columns.
pub type Sortable = &'static [(&'static str, &'static str)];

/// Most entities sort by these.
pub const USUAL: Sortable = &[
    ("id", "id"),
    ("name", "name"),
    ("createdDttm", "created_at"),
    ("updatedDttm", "updated_at"),
];

/// A numbered page that is asked for.
pub struct Numbered {
    /// For the read models.
    pub list: List,
    page: u32,
    size: u32,
}

impl Numbered {
    /// Reads `page`, `size` and `sort`. `default` is the order when none is asked for.
    pub fn read(
        request: &Request,
        sortable: Sortable,
        default: (&'static str, bool),
    ) -> Result<Self, Error> {
        let page: u32 = match request.in_query("page") {
            None => 0,
            Some(text) => text
                .parse()
                .map_err(|_| Error::invalid("page must be a whole number, at least 0"))?,
        };
        let size = size(request, SIZE)?;
        let mut order = Vec::new();
        for asked in request.all_in_query("sort") {
            order.push(sort(asked, sortable)?);
        }
        if order.is_empty() {
            order.push(by(default.0, default.1));
        }
        if !order.iter().any(|order| order.by == OrderBy::Column("id")) {
            order.push(by("id", false));
        }
        let list = List {
            order,
            limit: size,
            offset: page.saturating_mul(size),
            count_up_to: Some(u32::MAX),
            ..List::default()
        };
        Ok(Self { list, page, size })
    }

    /// The newest first.
    pub fn newest(request: &Request, sortable: Sortable) -> Result<Self, Error> {
        Self::read(request, sortable, ("created_at", true))
    }

    /// Keeps rows in which any of the columns contains what the parameter says, in either case.
    pub fn search(mut self, request: &Request, parameter: &str, columns: &[&'static str]) -> Self {
        if let Some(text) = request.in_query(parameter).filter(|text| !text.is_empty()) {
            let contains = |column: &&'static str| Filter::Compare {
                column,
                operator: Operator::Contains,
                values: vec![Scalar::Text(text.to_owned())],
            };
            let any = columns.iter().map(contains).collect();
            self.list.filters.push(Filter::Or(any));
        }
        self
    }

    /// As [`Numbered::only`], before all other conditions: rows are found by the first.
    pub fn first(mut self, column: &'static str, values: Vec<Scalar>) -> Self {
        self = self.only(column, values);
        self.list.filters.rotate_right(1);
        self
    }

    /// Keeps rows with one of these values.
    pub fn only(mut self, column: &'static str, values: Vec<Scalar>) -> Self {
        self.list.filters.push(match values.is_empty() {
            true => Filter::Or(Vec::new()),
            false => Filter::Compare {
                column,
                operator: Operator::Equal,
                values,
            },
        });
        self
    }

    /// `meta.paging`.
    pub fn told(&self, total: u32) -> Value {
        json!({
            "totalElements": total,
            "totalPages": total.div_ceil(self.size),
            "pageSize": self.size,
            "pageNumber": self.page,
            "pageOffset": u64::from(self.page) * u64::from(self.size),
        })
    }

    /// The page of entities that are all in memory, sorted by their members.
    pub fn of(&self, mut all: Vec<Value>) -> Reply {
        let member = |column: &str| {
            let named = USUAL.iter().find(|(_, known)| *known == column);
            named.map_or("id", |(name, _)| name)
        };
        all.sort_by(|a, b| {
            let compared = self.list.order.iter().map(|order| {
                let OrderBy::Column(column) = order.by else {
                    return Ordering::Equal;
                };
                let of = |row: &Value| row[member(column)].as_str().unwrap_or_default().to_owned();
                match order.descending {
                    true => of(b).cmp(&of(a)),
                    false => of(a).cmp(&of(b)),
                }
            });
            compared.fold(Ordering::Equal, Ordering::then)
        });
        let total = u32::try_from(all.len()).unwrap_or(u32::MAX);
        let rows = all.into_iter().skip(self.list.offset as usize);
        let rows = rows.take(self.size as usize).collect();
        Reply::page(rows, self.told(total))
    }
}

/// `size`, clamped.
fn size(request: &Request, default: u32) -> Result<u32, Error> {
    let Some(text) = request.in_query("size") else {
        return Ok(default);
    };
    let size: i64 = text
        .parse()
        .map_err(|_| Error::invalid("size must be a whole number"))?;
    if size <= 0 {
        return Err(Error::new(Kind::PageSize, "size must be above zero"));
    }
    Ok(size.min(i64::from(MOST)) as u32)
}

fn by(column: &'static str, descending: bool) -> Order {
    let by = OrderBy::Column(column);
    Order { by, descending }
}

fn sort(asked: &str, sortable: Sortable) -> Result<Order, Error> {
    let (field, direction) = asked.split_once(',').unwrap_or((asked, "ASC"));
    let field = field.trim();
    let Some((_, column)) = sortable.iter().find(|(name, _)| *name == field) else {
        let names: Vec<&str> = sortable.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        return Err(Error::invalid(format!("sort can be by {names}")));
    };
    let direction = direction.trim();
    let descending = direction.eq_ignore_ascii_case("desc");
    if !descending && !direction.eq_ignore_ascii_case("asc") {
        return Err(Error::invalid("sort goes ASC or DESC"));
    }
    Ok(by(column, descending))
}

/// A page of keys that is asked for.
pub struct Cursor {
    /// Keys that come after this one.
    pub after: Option<String>,
    /// At most so many.
    pub size: u32,
    bound: [u8; 8],
}

impl Cursor {
    /// Reads `size` and `page_token`. A token is good for one kind of one subscribe key.
    pub fn read(request: &Request, subkey: &str, kind: &str) -> Result<Self, Error> {
        let size = size(request, MOST)?;
        let bound = Sha256::digest(format!("{kind}/{subkey}"));
        let mut cursor = Self {
            after: None,
            size,
            bound: bound[..8].try_into().unwrap_or_default(),
        };
        if let Some(token) = request.in_query("page_token") {
            cursor.after = Some(
                cursor
                    .open(token)
                    .ok_or_else(|| Error::new(Kind::BadToken, "page_token cannot be read"))?,
            );
        }
        Ok(cursor)
    }

    fn open(&self, token: &str) -> Option<String> {
        let bytes = BASE64.decode(token.strip_prefix("0x")?).ok()?;
        let (bound, key) = bytes.split_at_checked(self.bound.len())?;
        let good = bound == self.bound;
        good.then(|| String::from_utf8(key.to_vec()).ok()).flatten()
    }

    /// `meta.paging`; `last` is the last key of the page when there are more.
    pub fn told(&self, last: Option<&str>) -> Value {
        let token = last.map(|key| {
            let bytes = [&self.bound, key.as_bytes()].concat();
            format!("0x{}", BASE64.encode(bytes))
        });
        json!({"pageSize": self.size, "pageToken": token})
    }
}
