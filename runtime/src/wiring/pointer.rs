//! JSON pointers.

use std::fmt;

/// The place of a value in a document. It is shown as a JSON pointer.
#[derive(Clone, Copy)]
pub(super) enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Element(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(object, name) => write!(f, "{object}/{}", name.replace('~', "~0").replace('/', "~1")),
            Self::Element(array, index) => write!(f, "{array}/{index}"),
        }
    }
}
