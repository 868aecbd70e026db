#[derive(
    ::enact::__private::serde::Serialize,
    ::enact::__private::serde::Deserialize,
    ::enact::__private::schemars::JsonSchema
)]
/// Take money out of an account.
#[serde(bound = "for<'__any> AccountId: :: enact :: __private :: MessageField")]
#[serde(crate = ":: enact :: __private :: serde")]
#[schemars(crate = ":: enact :: __private :: schemars")]
pub struct Withdraw {
    pub account: AccountId,
    /// How much, in cents.
    #[schemars(range(min = 1))]
    #[schemars(
        extend(
            "x-enact-constraints" = {"file":::core::file!(),
            "line":::core::line!(),
            "field":"Withdraw.cents",
            "rules":[{"name":"range",
            "min":1}]}
        )
    )]
    pub cents: i64,
    pub request: Option<String>,
}
#[allow(deprecated, unused_qualifications)]
const _: () = {
    impl ::enact::Command for Withdraw {
        const NAME: &'static str = "Withdraw";
        const ALIASES: &'static [&'static str] = &["Debit"];
        const TARGET: ::core::option::Option<&'static str> = ::core::option::Option::Some(
            "account",
        );
        fn target(&self) -> ::core::option::Option<::enact::Key> {
            #[allow(unused_imports)]
            use ::enact::__private::assert::Otherwise as _;
            ::enact::__private::assert::Of::<AccountId>::key(&self.account)
        }
        const IDEMPOTENCY_KEY: ::core::option::Option<&'static str> = ::core::option::Option::Some(
            "request",
        );
        fn idempotency_key(&self) -> ::core::option::Option<::enact::Key> {
            ::enact::Key::of(&self.request)
        }
        const ORDER_BY: ::core::option::Option<&'static str> = ::core::option::Option::Some(
            "account",
        );
        fn order_key(&self) -> ::core::option::Option<::enact::Key> {
            #[allow(unused_imports)]
            use ::enact::__private::assert::Otherwise as _;
            ::enact::__private::assert::Of::<AccountId>::key(&self.account)
        }
    }
    const _: fn() = || {
        #[allow(unused_imports)]
        use ::enact::__private::assert::Otherwise as _;
        ::enact::__private::assert::Of::<AccountId>::usable_as_key();
    };
    const _: fn() = || {
        #[allow(unused_imports)]
        use ::enact::__private::assert::Otherwise as _;
        ::enact::__private::assert::Of::<Option<String>>::usable_as_key();
    };
    const _: fn() = || {
        #[allow(unused_imports)]
        use ::enact::__private::assert::Otherwise as _;
        ::enact::__private::assert::Of::<AccountId>::usable_as_key();
    };
    impl ::enact::Targeted for Withdraw
    where
        for<'__any> Withdraw: ::enact::Command,
    {
        type Id = AccountId;
    }
    ::enact::register! {
        ::enact::Registration::command:: < Withdraw > (::enact::source!())
    }
};
