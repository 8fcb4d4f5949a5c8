//! What was read of files, tables and records, kept with the data so that the data after it reads only what has changed. Only
//! what could be read without a fault is kept: a record's own text, and what the names in it stand for, are all that decides
//! what it is and what its own checks say. Everything else that follows from other records is done anew every time.

use std::{any::Any, collections::BTreeMap, fmt, ops::Range, sync::Arc};

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::{
    extends::Joined,
    names::Names,
    span::{Scan, scan},
    tables::NumberTable,
};

/// What was read, by hashes of texts.
#[derive(Clone, Default)]
pub(crate) struct Memo {
    /// By hash of the record's text, and kind.
    records: BTreeMap<(u64, &'static str), Arc<Entry>>,
    /// Where things stand in files.
    scans: BTreeMap<u64, Arc<Scanned>>,
    tables: BTreeMap<u64, Arc<ReadTable>>,
    /// Records joined with those they extend, by the hash of where and what all of them are.
    joins: BTreeMap<u64, Arc<Chain>>,
}

struct Scanned {
    text: Box<str>,
    scan: Arc<Scan>,
}

struct ReadTable {
    text: Box<str>,
    table: Arc<NumberTable>,
}

struct Chain {
    links: Vec<(Box<str>, usize, Box<str>)>,
    joined: Arc<Joined>,
}

/// A reference that was found: the kind, the name in full, and the index of the record.
pub(crate) type Link = (&'static str, Box<str>, u32);

/// Tags of a record, and where they stand from its beginning.
pub(crate) type TagsSaid = Arc<[(Box<str>, Range<usize>)]>;

/// What is known of a record beside its value.
#[derive(Clone, Default)]
pub(crate) struct Said {
    /// Whom it refers to.
    pub(crate) links: Vec<Link>,
    /// The tags it writes.
    pub(crate) tags: TagsSaid,
}

struct Entry {
    text: Box<str>,
    value: Arc<dyn Any + Send + Sync>,
    said: Said,
}

impl Memo {
    /// What the text of a record was read as, and its tags, if all it refers to still is what it was; it is kept for the
    /// data after this in `next`.
    pub(crate) fn recall<T: Send + Sync + 'static>(
        &self,
        (kind, text, hash): (&'static str, &str, u64),
        names: &Names,
        next: &mut Self,
    ) -> Option<(Arc<T>, TagsSaid)> {
        let entry = self.records.get(&(hash, kind)).filter(|entry| *entry.text == *text)?;
        if entry.said.links.iter().any(|(kind, name, index)| names.index(kind, name) != Some(*index)) {
            return None;
        }
        let value = Arc::clone(&entry.value).downcast::<T>().ok()?;
        next.records.insert((hash, kind), Arc::clone(entry));
        Some((value, Arc::clone(&entry.said.tags)))
    }

    /// Keeps what the text of a record was read as.
    pub(crate) fn keep<T: Send + Sync + 'static>(
        &mut self,
        (kind, text, hash): (&'static str, Box<str>, u64),
        value: &Arc<T>,
        said: Said,
    ) {
        let value: Arc<dyn Any + Send + Sync> = Arc::<T>::clone(value);
        self.records.insert((hash, kind), Arc::new(Entry { text, value, said }));
    }

    /// Where things stand in a text; it is kept for the data after this in `next`.
    pub(crate) fn scan(&self, text: &str, next: &mut Self) -> Arc<Scan> {
        let key = xxh3_64(text.as_bytes());
        let known = self.scans.get(&key).filter(|scanned| *scanned.text == *text);
        let scanned =
            known.cloned().unwrap_or_else(|| Arc::new(Scanned { text: text.into(), scan: Arc::new(scan(text)) }));
        let scan = Arc::clone(&scanned.scan);
        next.scans.insert(key, scanned);
        scan
    }

    /// The numbers in the text of a table, if they are known; they are kept for the data after this in `next`.
    pub(crate) fn table(&self, text: &str, next: &mut Self) -> Option<Arc<NumberTable>> {
        let key = xxh3_64(text.as_bytes());
        let known = self.tables.get(&key).filter(|known| *known.text == *text)?;
        next.tables.insert(key, Arc::clone(known));
        Some(Arc::clone(&known.table))
    }

    /// Keeps the numbers of a table.
    pub(crate) fn keep_table(&mut self, text: &str, table: &Arc<NumberTable>) {
        let table = ReadTable { text: text.into(), table: Arc::clone(table) };
        self.tables.insert(xxh3_64(text.as_bytes()), Arc::new(table));
    }

    /// A record joined with its parents: `links` are the file, the place and the text of the record, its parent, and so on.
    pub(crate) fn joined<'t>(
        &self,
        links: impl Iterator<Item = (&'t str, usize, &'t str)> + Clone,
        is_whole: bool,
        next: &mut Self,
    ) -> Option<Arc<Joined>> {
        let key = hash_of(links.clone());
        let chain = self.joins.get(&key)?;
        let mut pairs = chain.links.iter().zip(links.clone());
        let is_same = pairs.all(|((file, start, text), link)| (&**file, *start, &**text) == link);
        if !is_same || chain.links.len() != links.count() || chain.joined.is_whole != is_whole {
            return None;
        }
        next.joins.insert(key, Arc::clone(chain));
        Some(Arc::clone(&chain.joined))
    }

    /// Keeps a joined record.
    pub(crate) fn keep_joined<'t>(
        &mut self,
        links: impl Iterator<Item = (&'t str, usize, &'t str)> + Clone,
        joined: &Arc<Joined>,
    ) {
        let key = hash_of(links.clone());
        let links = links.map(|(file, start, text)| (file.into(), start, text.into())).collect();
        self.joins.insert(key, Arc::new(Chain { links, joined: Arc::clone(joined) }));
    }
}

fn hash_of<'t>(links: impl Iterator<Item = (&'t str, usize, &'t str)>) -> u64 {
    let mut hasher = Xxh3::new();
    for (file, start, text) in links {
        // The lengths keep what looks like the next link from hashing the same.
        for number in [file.len(), start, text.len()] {
            hasher.update(&(number as u64).to_le_bytes());
        }
        hasher.update(file.as_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.digest()
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records", self.records.len())
    }
}

/// It adds nothing to the data it goes with.
impl PartialEq for Memo {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
