//! A proxy that cuts connections at a COMMIT.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Where the next COMMIT cuts its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    Nowhere,
    /// The server does not get it.
    Before,
    /// The server gets it, and its answer is lost.
    After,
}

/// Forwards connections to a server.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    next: Arc<AtomicU8>,
    cuts: Arc<AtomicUsize>,
}

impl Proxy {
    pub(crate) async fn start(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (next, cuts) = (Arc::new(AtomicU8::new(0)), Arc::new(AtomicUsize::new(0)));
        let (cut, count) = (next.clone(), cuts.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.expect("the server accepts");
                tokio::spawn(forward(client, server, cut.clone(), count.clone()));
            }
        });
        Self { address, next, cuts }
    }

    /// Cuts the connection of the next COMMIT.
    pub(crate) fn cut(&self, cut: Cut) {
        self.next.store(cut as u8, Ordering::SeqCst);
    }

    /// How many connections were cut.
    pub(crate) fn cuts(&self) -> usize {
        self.cuts.load(Ordering::SeqCst)
    }
}

async fn forward(mut client: TcpStream, mut server: TcpStream, cut: Arc<AtomicU8>, cuts: Arc<AtomicUsize>) {
    const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";
    let (mut sent, mut received) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            count = client.read(&mut sent) => {
                let Ok(count @ 1..) = count else { return };
                let sent = &sent[..count];
                let commit = sent.windows(COMMIT.len()).position(|window| window == COMMIT);
                let Some(position) = commit.filter(|_| cut.load(Ordering::SeqCst) != 0) else {
                    if server.write_all(sent).await.is_err() {
                        return;
                    }
                    continue;
                };
                let before = cut.swap(0, Ordering::SeqCst) == Cut::Before as u8;
                cuts.fetch_add(1, Ordering::SeqCst);
                let end = if before { position } else { position + COMMIT.len() };
                let _ = server.write_all(&sent[..end]).await;
                drop(client);
                // The server completes what it has got before it sees that the connection is closed.
                let _ = server.shutdown().await;
                while let Ok(1..) = server.read(&mut received).await {}
                return;
            }
            count = server.read(&mut received) => {
                let Ok(count @ 1..) = count else { return };
                if client.write_all(&received[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}
