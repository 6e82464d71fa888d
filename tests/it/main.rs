//! it

mod api;
mod dictionary;
mod fault_server;
mod layers;
mod migrated;
mod normalize;
mod views;
mod wire;
