//! The navmesh as it is stored: independent tiles of convex polygons, in a file that says what it was made from.
//! Links between polygons are not stored; they follow from the tiles.
//!
//! | part | bytes |
//! | --- | --- |
//! | magic | 8: `MSNAVMSH` |
//! | version | `u32` |
//! | geometry hash | `u64`: of the triangles, solids, doors and settings it was baked from |
//! | payload length | `u64` |
//! | payload checksum | `u32`: CRC-32 |
//! | payload | rkyv archive of [`NavArchive`] |

#![allow(missing_docs, reason = "rkyv's derive writes resolvers without documentation; ours is complete")]

use rkyv::{Archive, Deserialize, Serialize};

use crate::command::{read_archive, write_archive};
use crate::wire::Reader;

const MAGIC: &[u8; 8] = b"MSNAVMSH";
/// Version of the file and of the baker: a file of another version is stale.
pub const VERSION: u32 = 1;

/// The agent a navmesh is made for and how finely.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq)]
pub struct NavSettings {
    /// Radius of the agent in metres; 0 keeps no distance from walls.
    pub radius_m: f32,
    /// Height of the agent in metres.
    pub height_m: f32,
    /// Highest step the agent takes in metres.
    pub climb_m: f32,
    /// Steepest ground the agent walks on, in degrees.
    pub slope_deg: f32,
    /// Edge of a voxel in x and z, in metres.
    pub cell_m: f32,
    /// Height of a voxel in metres.
    pub cell_height_m: f32,
    /// Voxels along a side of a tile.
    pub tile_cells: u32,
}

impl Default for NavSettings {
    fn default() -> Self {
        Self {
            radius_m: 0.5,
            height_m: 1.8,
            climb_m: 0.5,
            slope_deg: 45.0,
            cell_m: 0.25,
            cell_height_m: 0.1,
            tile_cells: 128,
        }
    }
}

impl NavSettings {
    /// Side of a tile in metres. Tile (i, k) covers x from `i * tile_m` to `(i + 1) * tile_m`, z likewise by `k`.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a tile has far fewer than 2^24 voxels a side")]
    pub fn tile_m(&self) -> f32 {
        self.cell_m * self.tile_cells as f32
    }
}

/// A convex polygon of a tile: `corner_count` entries of [`TileMesh::indices`] from `first_index`, in an order in
/// which `(b - a) x (c - a)` points up. Corners may be collinear.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub struct TilePolygon {
    /// First entry of the tile's indices.
    pub first_index: u32,
    /// Corners, from 3.
    pub corner_count: u8,
    /// 0 for open ground, else 1 + the index of the door the polygon lies in.
    pub area: u16,
}

/// An edge on a side of its tile, with the true heights of the ground along it: the polygons of two tiles are
/// simplified differently, the ground is the same.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct BorderEdge {
    /// Index of the polygon in its tile.
    pub polygon: u32,
    /// The edge from corner `edge` to the next.
    pub edge: u8,
    /// 0: least x, 1: greatest z, 2: greatest x, 3: least z.
    pub side: u8,
    /// Height of the ground in metres at equal distances from the edge's first corner to its second, from 2 values.
    pub heights_m: Vec<f32>,
}

/// One square of a navmesh, independent of all others.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Default)]
pub struct TileMesh {
    /// Tile coordinate along x.
    pub x: i32,
    /// Tile coordinate along z.
    pub z: i32,
    /// Corners in metres.
    pub vertices: Vec<[f32; 3]>,
    /// Corners of polygons.
    pub indices: Vec<u32>,
    /// The polygons.
    pub polygons: Vec<TilePolygon>,
    /// Edges on the sides of the tile.
    pub borders: Vec<BorderEdge>,
}

/// Everything a navmesh is made from. Tiles are sorted by (z, x) and none is empty.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Default)]
pub struct NavArchive {
    /// The agent.
    pub settings: NavSettings,
    /// Number of doors; each is passable or not, see [`TilePolygon::area`].
    pub door_count: u16,
    /// The tiles.
    pub tiles: Vec<TileMesh>,
}

/// Why a navmesh file is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NavFileError {
    /// The file begins otherwise.
    #[error("this is not a navmesh (it does not begin with `MSNAVMSH`)")]
    NotANavmesh,
    /// Another format or another baker.
    #[error("the navmesh has version {found}, this program makes and reads version {VERSION}: bake it again")]
    Version {
        /// What the file says.
        found: u32,
    },
    /// The length or the checksum does not fit.
    #[error("the navmesh is damaged: {what}")]
    Damaged {
        /// What does not fit.
        what: String,
    },
    /// Made from other geometry or other settings.
    #[error("the navmesh is stale: it was baked from geometry {found:016x}, the scene now has {expected:016x}")]
    Stale {
        /// Hash in the file.
        found: u64,
        /// Hash of the scene.
        expected: u64,
    },
}

impl NavArchive {
    /// Writes a file.
    #[must_use]
    pub fn to_bytes(&self, geometry_hash: u64) -> Vec<u8> {
        let payload = write_archive(self);
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&geometry_hash.to_le_bytes());
        out.extend_from_slice(&(payload.len() as u64).to_le_bytes());
        out.extend_from_slice(&crc32fast::hash(&payload).to_le_bytes());
        out.extend_from_slice(&payload);
        out
    }

    /// Reads a file and the hash of the geometry it was baked from.
    ///
    /// # Errors
    /// When it is no navmesh, of another version, or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<(Self, u64), NavFileError> {
        let damaged = |what: &str| NavFileError::Damaged { what: what.to_owned() };
        let rest = bytes.strip_prefix(MAGIC.as_slice()).ok_or(NavFileError::NotANavmesh)?;
        let mut reader = Reader::new(rest);
        let found = reader.u32().ok_or_else(|| damaged("it ends within its header"))?;
        if found != VERSION {
            return Err(NavFileError::Version { found });
        }
        let header = (|| Some((reader.u64()?, reader.u64()?, reader.u32()?)))();
        let (hash, length, checksum) = header.ok_or_else(|| damaged("it ends within its header"))?;
        let payload = reader.rest();
        if payload.len() as u64 != length {
            let what = format!("its payload has {} bytes, the header says {length}", payload.len());
            return Err(NavFileError::Damaged { what });
        }
        if crc32fast::hash(payload) != checksum {
            return Err(damaged("its checksum is wrong"));
        }
        let archive = read_archive(payload).map_err(|_| damaged("its structure is wrong"))?;
        Ok((archive, hash))
    }

    /// Reads a file that must have been baked from this geometry.
    ///
    /// # Errors
    /// As [`NavArchive::from_bytes`], and [`NavFileError::Stale`].
    pub fn from_bytes_for(bytes: &[u8], expected: u64) -> Result<Self, NavFileError> {
        let (archive, found) = Self::from_bytes(bytes)?;
        if found == expected { Ok(archive) } else { Err(NavFileError::Stale { found, expected }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_square() -> NavArchive {
        let vertices = vec![[0.0, 0.0, 0.0], [0.0, 0.0, 8.0], [8.0, 0.0, 8.0], [8.0, 0.0, 0.0]];
        let polygons = vec![TilePolygon { first_index: 0, corner_count: 4, area: 0 }];
        let tile = TileMesh { vertices, indices: vec![0, 1, 2, 3], polygons, ..TileMesh::default() };
        NavArchive { tiles: vec![tile], ..NavArchive::default() }
    }

    #[test]
    fn a_navmesh_survives_its_file() {
        let bytes = one_square().to_bytes(7);
        assert_eq!(NavArchive::from_bytes(&bytes), Ok((one_square(), 7)));
        assert_eq!(bytes, one_square().to_bytes(7));
    }

    #[test]
    fn a_file_that_is_not_the_scenes_navmesh_is_refused_and_says_why() {
        let bytes = one_square().to_bytes(7);
        assert_eq!(NavArchive::from_bytes_for(&bytes, 8), Err(NavFileError::Stale { found: 7, expected: 8 }));
        assert_eq!(NavArchive::from_bytes(b"ply\n"), Err(NavFileError::NotANavmesh));
        let mut newer = bytes.clone();
        newer[8] = 99;
        assert_eq!(NavArchive::from_bytes(&newer), Err(NavFileError::Version { found: 99 }));
        for at in 12..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            let only_the_hash = (12..20).contains(&at);
            assert_eq!(NavArchive::from_bytes(&damaged).is_ok(), only_the_hash, "byte {at}");
            assert!(NavArchive::from_bytes_for(&damaged, 7).is_err(), "byte {at}");
        }
        assert!((0..bytes.len()).all(|end| NavArchive::from_bytes(&bytes[..end]).is_err()));
    }
}
