//! The viewer: what its pages show, to whom, and at what cost; the same on both engines.

mod archive;
mod browser;
mod command;
mod guard;
mod pages;
mod paging;
mod rows;
mod site;
