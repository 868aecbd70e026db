#[derive(
    ::enact::__private::serde::Serialize,
    ::enact::__private::serde::Deserialize,
    ::enact::__private::schemars::JsonSchema
)]
/// What counts.
#[derive(Clone, Copy)]
#[serde(crate = ":: enact :: __private :: serde")]
#[schemars(crate = ":: enact :: __private :: schemars")]
pub enum Currency {
    Euro,
    Krone,
}
