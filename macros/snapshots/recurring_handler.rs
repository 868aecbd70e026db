#[allow(clippy::unused_async, clippy::needless_pass_by_value)]
async fn clean(_: Clean) {}
#[allow(deprecated, unused_qualifications)]
const _: () = {
    impl ::enact::HasOneHandler for Clean
    where
        for<'__any> Clean: ::enact::Command,
    {
        type Output = <() as ::enact::IntoOutcome>::Output;
        type Entity = ();
    }
    struct __Handler;
    impl ::enact::Handler for __Handler {
        fn settings() -> ::enact::HandlerSettings {
            ::enact::HandlerSettings::new().queue("chores")
        }
    }
    const _: fn() = || {
        #[allow(unused_imports)]
        use ::enact::__private::assert::Otherwise as _;
        ::enact::__private::assert::of::<Clean>().untargeted();
    };
    impl ::enact::CommandHandler for __Handler
    where
        for<'__any> Clean: ::enact::Command,
    {
        type Command = Clean;
        fn schedule() -> ::core::option::Option<::enact::Schedule<Clean>> {
            let __period: ::core::time::Duration = HOUR;
            let __schedule = ::enact::Schedule::every(__period);
            let __missed: ::enact::Missed = Missed::Skip;
            let __schedule = __schedule.missed(__missed);
            ::core::option::Option::Some(__schedule)
        }
        #[allow(clippy::manual_async_fn)]
        fn handle(
            __message: Clean,
            __context: &::enact::ExecutionContext,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<
                <Clean as ::enact::HasOneHandler>::Output,
                ::enact::Failure,
            >,
        > + ::core::marker::Send {
            async move {
                <() as ::enact::IntoOutcome>::into_outcome(clean(__message).await)
            }
        }
    }
    ::enact::register! {
        ::enact::Registration::command_handler:: < __Handler > (::enact::source!())
    }
};
