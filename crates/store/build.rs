//! Makes cargo notice a new migration: the embedding macro alone sees changes of known files only.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
