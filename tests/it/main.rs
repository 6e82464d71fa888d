//! it

mod dictionary;
mod layers;
mod migrated;
mod normalize;
mod views;
mod wire;
