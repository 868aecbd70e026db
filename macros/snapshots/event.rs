#[derive(
    ::enact::__private::serde::Serialize,
    ::enact::__private::serde::Deserialize,
    ::enact::__private::schemars::JsonSchema
)]
/// Money has left an account.
#[serde(crate = ":: enact :: __private :: serde")]
#[schemars(crate = ":: enact :: __private :: schemars")]
pub struct MoneyWithdrawn {
    pub cents: i64,
}
#[allow(deprecated, unused_qualifications)]
const _: () = {
    impl ::enact::Event for MoneyWithdrawn {
        const NAME: &'static str = "MoneyWithdrawn";
    }
    impl<__Entity: ::enact::Entity> ::enact::InvariantScope<__Entity>
    for MoneyWithdrawn {}
    ::enact::register! {
        ::enact::Registration::event:: < MoneyWithdrawn > (::enact::source!())
    }
};
