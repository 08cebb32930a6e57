//! Files to put, and their comparison with what came back.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use rand::rngs::SmallRng;
use rand::{RngCore, SeedableRng};

/// Writes `len` bytes that `seed` determines.
///
/// # Panics
/// If the disk does not take them.
pub fn write_random(path: &Path, len: usize, seed: u64) {
    let mut random = SmallRng::seed_from_u64(seed);
    let mut out = BufWriter::new(File::create(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())));
    let mut buffer = vec![0; 1 << 16];
    let mut left = len;
    while left > 0 {
        let part = left.min(buffer.len());
        random.fill_bytes(&mut buffer[..part]);
        out.write_all(&buffer[..part]).expect("writing a test file");
        left -= part;
    }
    out.flush().expect("writing a test file");
}

/// Writes `files` small files of different sizes (some empty) in `directories` directories.
///
/// # Panics
/// If the disk does not take them.
pub fn write_tree(top: &Path, directories: usize, files: usize) {
    for directory in 0..directories {
        fs::create_dir_all(top.join(format!("d{directory:03}"))).expect("making a test directory");
    }
    for file in 0..files {
        let path = top.join(format!("d{:03}/f{file:05}", file % directories));
        write_random(&path, file * 37 % 5000, file as u64);
    }
}

/// Fails unless both files have the same bytes.
///
/// # Panics
/// If they differ or cannot be read.
pub fn assert_same_file(expected: &Path, found: &Path) {
    let open = |path: &Path| {
        BufReader::with_capacity(1 << 16, File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
    };
    let (mut a, mut b) = (open(expected), open(found));
    let (mut left, mut right) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut position = 0;
    loop {
        let (n, m) = (fill(&mut a, &mut left), fill(&mut b, &mut right));
        if left[..n] != right[..m] {
            let differing = left[..n].iter().zip(&right[..m]).take_while(|(l, r)| l == r).count();
            panic!("{} and {} differ at byte {}", expected.display(), found.display(), position + differing);
        }
        if n == 0 {
            return;
        }
        position += n;
    }
}

fn fill(from: &mut impl Read, buffer: &mut [u8]) -> usize {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]).expect("reading a test file") {
            0 => break,
            n => filled += n,
        }
    }
    filled
}

/// Fails unless both directories hold the same files with the same bytes.
///
/// # Panics
/// If they differ or cannot be read.
pub fn assert_same_tree(expected: &Path, found: &Path) {
    let (left, right) = (listing(expected, expected), listing(found, found));
    assert_eq!(left.len(), right.len(), "number of files below {} and {}", expected.display(), found.display());
    for name in left.keys() {
        assert!(right.contains_key(name), "{name} is missing in {}", found.display());
        assert_same_file(&left[name], &right[name]);
    }
}

fn listing(top: &Path, dir: &Path) -> BTreeMap<String, std::path::PathBuf> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
        let path = entry.expect("a directory entry").path();
        if path.is_dir() {
            files.extend(listing(top, &path));
        } else {
            let name = path.strip_prefix(top).unwrap_or(&path).display().to_string();
            files.insert(name, path);
        }
    }
    files
}
