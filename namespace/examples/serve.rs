//! Serves a namespace from a directory: `serve DIR RPC_ADDRESS TRANSFER_ADDRESS`. Stops on SIGINT.

use std::net::SocketAddr;

use anabranch_namespace::{NamespaceConfig, NamespaceService};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(dir), Some(rpc), Some(transfer)) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("usage: serve DIR RPC_ADDRESS TRANSFER_ADDRESS".into());
    };
    let user = std::env::var("HADOOP_USER_NAME").or_else(|_| std::env::var("USER")).unwrap_or_else(|_| "root".into());
    let mut config = NamespaceConfig::local(dir, "ns", user);
    config.rpc_address = rpc.parse::<SocketAddr>()?;
    config.transfer_address = transfer.parse::<SocketAddr>()?;
    let running = NamespaceService::start(config, &prometheus::Registry::new()).await?;
    tokio::signal::ctrl_c().await?;
    running.drain().await;
    Ok(())
}
