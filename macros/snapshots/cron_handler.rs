#[allow(clippy::unused_async, clippy::needless_pass_by_value)]
async fn close(_: Close, books: &mut Books) {}
#[allow(deprecated, unused_qualifications)]
const _: () = {
    impl ::enact::HasOneHandler for Close
    where
        for<'__any> Close: ::enact::Command,
    {
        type Output = <() as ::enact::IntoOutcome>::Output;
        type Entity = Books;
    }
    struct __Handler;
    impl ::enact::Handler for __Handler {}
    impl ::enact::EntityHandler for __Handler
    where
        for<'__any> Close: ::enact::Command,
        for<'__any> Books: ::enact::TargetOf<Close>,
    {
        type Command = Close;
        type Entity = Books;
        fn schedule() -> ::core::option::Option<::enact::Schedule<Close>> {
            let __schedule = ::enact::Schedule::cron("0 3 * * *");
            ::core::option::Option::Some(__schedule)
        }
        #[allow(clippy::manual_async_fn)]
        fn handle(
            __message: Close,
            __entity: &mut Books,
            __context: &::enact::ExecutionContext,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<
                <Close as ::enact::HasOneHandler>::Output,
                ::enact::Failure,
            >,
        > + ::core::marker::Send {
            async move {
                <() as ::enact::IntoOutcome>::into_outcome(
                    close(__message, __entity).await,
                )
            }
        }
    }
    ::enact::register! {
        ::enact::Registration::entity_handler:: < __Handler > (::enact::source!())
    }
};
