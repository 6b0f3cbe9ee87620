//! Lists: newest first, a page at a time, turned by the id of the last or the first row of a page.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::form::Params;
use crate::state::{Row, Space, State};

const LIMIT_DEFAULT: i64 = 10;
const LIMIT_MAX: i64 = 100;

/// Which page is wanted.
#[derive(Debug)]
pub struct Page {
    limit: usize,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

impl Page {
    /// Reads `limit`, `starting_after` and `ending_before`.
    ///
    /// # Errors
    /// 400 for a limit that is no whole number.
    pub fn read(params: &mut Params) -> Result<Page, ApiError> {
        Ok(Page {
            limit: Page::limit(params)?,
            starting_after: params.text("starting_after")?,
            ending_before: params.text("ending_before")?,
        })
    }

    /// Reads `limit`. As with Stripe, what is out of its bounds is taken to the nearest bound.
    ///
    /// # Errors
    /// As [`Page::read`].
    pub fn limit(params: &mut Params) -> Result<usize, ApiError> {
        let limit = params.integer("limit")?.unwrap_or(LIMIT_DEFAULT);
        Ok(usize::try_from(limit.clamp(1, LIMIT_MAX)).unwrap_or(1))
    }
}

impl Page {
    /// The page of a list that is held whole, in the order that it is shown in.
    ///
    /// # Errors
    /// `resource_missing` when the page begins at what is not in it.
    pub fn of<'a, T>(
        &self,
        all: &'a [T],
        url: &str,
        id: impl Fn(&'a T) -> &'a str,
        render: impl Fn(&'a T) -> Value,
    ) -> Result<Value, ApiError> {
        let place = |wanted: &Option<String>, param: &str| match wanted {
            None => Ok(None),
            Some(wanted) => match all.iter().position(|one| id(one) == wanted) {
                Some(place) => Ok(Some(place)),
                None => Err(ApiError::no_such("object", wanted, param).status(400)),
            },
        };
        let after = place(&self.starting_after, "starting_after")?;
        let before = place(&self.ending_before, "ending_before")?;
        let end = before.unwrap_or(all.len());
        let first = match before {
            Some(before) => before.saturating_sub(self.limit),
            None => after.map_or(0, |after| after + 1),
        };
        let page = &all[first.min(end)..end.min(first.saturating_add(self.limit))];
        let has_more = if before.is_some() {
            first > 0
        } else {
            first + page.len() < end
        };
        let data: Vec<Value> = page.iter().map(render).collect();
        Ok(json!({ "object": "list", "url": url, "has_more": has_more, "data": data }))
    }
}

impl Page {
    /// Where it ends: the row that it comes before.
    pub fn before(&self) -> Option<&str> {
        self.ending_before.as_deref()
    }

    /// Where it begins: the row that it comes after.
    pub fn after(&self) -> Option<&str> {
        self.starting_after.as_deref()
    }

    /// The page, of rows from where it is turned: newest first, or of a page that ends before a row oldest
    /// first.
    pub fn turned<'a, T: 'a>(
        &self,
        url: &str,
        rows: impl Iterator<Item = &'a Arc<T>>,
        render: impl Fn(&T) -> Value,
    ) -> Value {
        let mut found: Vec<&T> = rows.take(self.limit + 1).map(AsRef::as_ref).collect();
        let has_more = found.len() > self.limit;
        found.truncate(self.limit);
        if self.ending_before.is_some() {
            found.reverse();
        }
        let data: Vec<Value> = found.into_iter().map(render).collect();
        json!({ "object": "list", "url": url, "has_more": has_more, "data": data })
    }
}

/// The `created` filter: a second, or bounds.
#[derive(Debug, Default)]
pub struct Created {
    from: Option<i64>,
    to: Option<i64>,
}

impl Created {
    /// Reads `created=`, `created[gt]`, `[gte]`, `[lt]` and `[lte]`.
    ///
    /// # Errors
    /// 400 for what is no whole number.
    pub fn read(params: &mut Params) -> Result<Created, ApiError> {
        Created::read_as(params, "created")
    }

    /// The same under another name, such as `available_on`.
    ///
    /// # Errors
    /// As [`Created::read`].
    pub fn read_as(params: &mut Params, name: &str) -> Result<Created, ApiError> {
        let Ok(Some(mut bounds)) = params.clone().map(name) else {
            let exact = params.integer(name)?;
            return Ok(Created {
                from: exact,
                to: exact,
            });
        };
        params.map(name)?;
        let above = bounds.integer("gt")?.map(|bound| bound.saturating_add(1));
        let below = bounds.integer("lt")?.map(|bound| bound.saturating_sub(1));
        let created = Created {
            from: above.max(bounds.integer("gte")?),
            to: [below, bounds.integer("lte")?].into_iter().flatten().min(),
        };
        bounds.finish()?;
        Ok(created)
    }

    /// Whether a second lies within.
    pub fn holds(&self, second: i64) -> bool {
        self.from.is_none_or(|from| second >= from) && self.to.is_none_or(|to| second <= to)
    }
}

/// The page of a space's rows that are wanted.
///
/// # Errors
/// `resource_missing` when the page begins at a row that is not there; 400 for both ends at once.
pub fn answer<T: Row>(
    state: &State,
    space: &Space,
    page: &Page,
    url: &str,
    wanted: impl Fn(&T) -> bool,
    render: impl Fn(&T) -> Value,
) -> Result<Value, ApiError> {
    let place = |id: &Option<String>, param: &str| match id {
        None => Ok(None),
        Some(id) => state
            .get_for::<T>(space, id, param)
            .map(|row| T::table(state).place(&row))
            .map_err(|e| e.status(400)),
    };
    let after = place(&page.starting_after, "starting_after")?;
    let before = place(&page.ending_before, "ending_before")?;
    if after.is_some() && before.is_some() {
        let message = "Received both starting_after and ending_before parameters. Please pass in only one.";
        return Err(ApiError::invalid(message));
    }
    let rows: Box<dyn Iterator<Item = &Arc<T>>> = match before {
        // The page before is found backwards: the rows just newer than the one named.
        Some(before) => Box::new(state.of::<T>(space).skip(before + 1)),
        None => Box::new(T::table(state).before(space, after.unwrap_or(usize::MAX))),
    };
    Ok(page.turned(url, rows.filter(|row| wanted(row)), render))
}

/// A list inside an object.
pub fn inside(data: impl IntoIterator<Item = Value>, url: String) -> Value {
    let data: Vec<Value> = data.into_iter().collect();
    let count = data.len();
    json!({ "object": "list", "data": data, "has_more": false, "total_count": count, "url": url })
}
