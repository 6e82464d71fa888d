//! it
mod dictionary;
mod layers;
mod migrated;
mod views;
