//! A table of rows of one kind, found by id and in the order they were made.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::state::{Row, Space};

/// Rows by id, and in the order they were made in their space. No row ever leaves.
pub struct Table<T> {
    /// Every row with its place in its space's order, oldest first over all spaces, so that a journal written
    /// from the table restores the same order.
    rows: Vec<(u32, Arc<T>)>,
    /// Where a row is in `rows`, by its key.
    by_key: HashMap<Box<str>, u32>,
    order: BTreeMap<Space, Vec<u32>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Table {
            rows: Vec::new(),
            by_key: HashMap::new(),
            order: BTreeMap::new(),
        }
    }
}

impl<T: Row> Table<T> {
    /// Puts a row in its place: that of the row it replaces, or a new one at the end.
    pub fn put(&mut self, row: Arc<T>) {
        let key = Self::key(row.space(), row.id());
        if let Some((_, old)) = self
            .by_key
            .get(key.as_ref())
            .and_then(|at| self.rows.get_mut(index(*at)))
        {
            *old = row;
            return;
        }
        let at = count(self.rows.len());
        let order = self.order.entry(row.space().clone()).or_default();
        self.by_key.insert(key.into(), at);
        self.rows.push((count(order.len()), row));
        order.push(at);
    }

    /// Every row, oldest first.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Arc<T>> + ExactSizeIterator {
        self.rows.iter().map(|(_, row)| row)
    }

    /// The rows of a space, oldest first.
    pub fn of(&self, space: &Space) -> impl DoubleEndedIterator<Item = &Arc<T>> {
        self.those(self.order.get(space).map(Vec::as_slice).unwrap_or_default())
    }

    /// How many rows a space has.
    pub fn count_of(&self, space: &Space) -> usize {
        self.order.get(space).map_or(0, Vec::len)
    }

    /// The rows made before the one at a place, newest first.
    pub fn before(&self, space: &Space, place: usize) -> impl Iterator<Item = &Arc<T>> {
        let order = self.order.get(space).map(Vec::as_slice).unwrap_or_default();
        self.those(&order[..place.min(order.len())]).rev()
    }

    fn those<'a>(&'a self, order: &'a [u32]) -> impl DoubleEndedIterator<Item = &'a Arc<T>> {
        order
            .iter()
            .filter_map(|at| self.rows.get(index(*at)))
            .map(|(_, row)| row)
    }

    /// The rows of all spaces made after one, oldest first.
    pub fn all_after(&self, row: &T) -> impl Iterator<Item = &Arc<T>> {
        self.rows[self.number(row).map_or(self.rows.len(), |at| at + 1)..]
            .iter()
            .map(|(_, row)| row)
    }

    /// The rows of all spaces made before one, newest first.
    pub fn all_before(&self, row: &T) -> impl Iterator<Item = &Arc<T>> {
        let older = &self.rows[..self.number(row).unwrap_or(0)];
        older.iter().rev().map(|(_, row)| row)
    }

    fn number(&self, row: &T) -> Option<usize> {
        self.by_key
            .get(Self::key(row.space(), row.id()).as_ref())
            .map(|at| index(*at))
    }

    /// Where a row stands in its space's order.
    pub fn place(&self, row: &T) -> Option<usize> {
        self.found(&Self::key(row.space(), row.id()))
            .map(|(place, _)| index(*place))
    }

    /// A row, whatever its space; never one whose id its caller may have chosen.
    pub fn anywhere(&self, id: &str) -> Option<&Arc<T>> {
        self.found(id).map(|(_, row)| row)
    }

    /// A row of a space.
    pub fn at(&self, space: &Space, id: &str) -> Option<&Arc<T>> {
        self.found(&Self::key(space, id))
            .map(|(_, row)| row)
            .filter(|row| row.space() == space)
    }

    fn found(&self, key: &str) -> Option<&(u32, Arc<T>)> {
        self.by_key.get(key).and_then(|at| self.rows.get(index(*at)))
    }

    /// What a row is kept under: its id, together with the space where another space may have the same.
    fn key<'a>(space: &Space, id: &'a str) -> Cow<'a, str> {
        if T::CHOSEN_ID {
            let account = space.account.as_deref().unwrap_or_default();
            Cow::Owned(format!("{}/{account}/{id}", space.livemode))
        } else {
            Cow::Borrowed(id)
        }
    }
}

/// Four bytes are enough for a place: memory ends long before.
fn count(rows: usize) -> u32 {
    u32::try_from(rows).expect("fewer than 2^32 rows fit into memory")
}

fn index(at: u32) -> usize {
    usize::try_from(at).expect("a machine that counts in 32 bits at least")
}
