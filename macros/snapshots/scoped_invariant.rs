#[allow(clippy::trivially_copy_pass_by_ref)]
/// The account holds what is taken out.
fn covered(account: &Account, withdrawal: &Withdraw) -> Result<(), String> {
    account.covers(withdrawal.cents)
}
#[allow(deprecated, unused_qualifications)]
const _: () = {
    const _: fn() = || {
        #[allow(unused_imports)]
        use ::enact::__private::assert::Otherwise as _;
        ::enact::__private::assert::Of::<(Account, Withdraw)>::scope();
    };
    struct __Invariant;
    impl ::enact::Invariant for __Invariant {
        type Entity = Account;
        type When = Withdraw;
        const CODE: &'static str = "not_covered";
        const MESSAGE: &'static str = "The account holds what is taken out.";
        fn check(__entity: &Account, __when: &Withdraw) -> ::enact::invariant::Verdict {
            <Result<
                (),
                String,
            > as ::enact::invariant::IntoVerdict>::into_verdict(
                covered(__entity, __when),
            )
        }
    }
    ::enact::register! {
        ::enact::Registration::invariant:: < __Invariant > (::enact::source!())
    }
};
