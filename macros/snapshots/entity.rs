#[derive(::enact::__private::serde::Serialize, ::enact::__private::serde::Deserialize)]
/// A bank account.
#[derive(Clone, Debug)]
#[serde(crate = ":: enact :: __private :: serde")]
pub struct Account {
    pub number: AccountId,
    pub balance_cents: i64,
}
#[allow(unused_qualifications)]
const _: () = {
    impl ::enact::Entity for Account {
        const NAME: &'static str = "Account";
        type Id = AccountId;
        fn id(&self) -> &Self::Id {
            &self.number
        }
    }
    ::enact::register! {
        ::enact::Registration::entity:: < Account > (::enact::source!())
    }
};
