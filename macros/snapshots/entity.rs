#[derive(::enact::__private::serde::Serialize, ::enact::__private::serde::Deserialize)]
/// A bank account.
#[derive(Clone, Debug)]
#[serde(bound = "for<'__any> AccountId: :: enact :: __private :: EntityField")]
#[serde(crate = ":: enact :: __private :: serde")]
pub struct Account {
    pub number: AccountId,
    pub balance_cents: i64,
}
#[allow(deprecated, unused_qualifications)]
const _: () = {
    impl ::enact::Entity for Account {
        const NAME: &'static str = "Account";
        type Id = AccountId;
        fn id(&self) -> &AccountId {
            &self.number
        }
    }
    const _: fn() = || {
        #[allow(unused_imports)]
        use ::enact::__private::assert::Otherwise as _;
        ::enact::__private::assert::Of::<AccountId>::usable_as_key();
    };
    ::enact::register! {
        ::enact::Registration::entity:: < Account > (::enact::source!())
    }
};
