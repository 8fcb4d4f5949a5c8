//! The baker's own path query, on the baker's own mesh of the same field. Goals out of reach take
//! it very long, so it is asked a few questions only.

use glam::Vec3;
use navbake::peer::OxidizedQuery;

use crate::field::Field;
use crate::finder::Finder;

/// Questions of a round.
const QUERIES_MAX: usize = 32;

/// oxidized_navigation's mesh and query.
pub(crate) struct Oxidized {
    query: OxidizedQuery,
    pairs: Vec<[Vec3; 2]>,
    length_m: f32,
}

impl Oxidized {
    /// Bakes a field in oxidized_navigation's own form.
    pub(crate) fn build(field: &Field) -> Self {
        let query = OxidizedQuery::build(&field.soup, &field.archive.settings);
        Self { query, pairs: Vec::new(), length_m: 0.0 }
    }
}

impl Finder for Oxidized {
    fn name(&self) -> String {
        "oxidized_navigation".to_owned()
    }

    fn queries_max(&self) -> usize {
        QUERIES_MAX
    }

    fn rounds_max(&self) -> usize {
        3
    }

    fn prepare(&mut self, pairs: &[[Vec3; 2]]) {
        self.pairs = pairs.to_vec();
    }

    fn path(&mut self, index: usize) -> bool {
        let [from, to] = self.pairs[index];
        let found = self.query.find_path(from.to_array(), to.to_array());
        self.length_m = found.unwrap_or(0.0);
        found.is_some()
    }

    fn length_m(&self) -> f32 {
        self.length_m
    }
}
