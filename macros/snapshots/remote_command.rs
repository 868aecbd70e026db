#[derive(
    ::enact::__private::serde::Serialize,
    ::enact::__private::serde::Deserialize,
    ::enact::__private::schemars::JsonSchema
)]
#[serde(crate = ":: enact :: __private :: serde")]
#[schemars(crate = ":: enact :: __private :: schemars")]
struct Ship {
    order: String,
}
#[allow(deprecated, unused_qualifications)]
const _: () = {
    impl ::enact::Command for Ship {
        const NAME: &'static str = "Ship";
    }
    impl ::enact::Untargeted for Ship
    where
        for<'__any> Ship: ::enact::Command,
    {}
    impl ::enact::HasOneHandler for Ship
    where
        for<'__any> Parcel: ::enact::Output,
    {
        type Output = Parcel;
        type Entity = ();
    }
    ::enact::register! {
        ::enact::Registration::remote_command:: < Ship > (::enact::source!())
    }
};
