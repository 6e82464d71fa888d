//! it
mod dictionary;
mod migrated;
mod views;
