package anabranch;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import org.apache.hadoop.conf.Configurable;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.net.StandardSocketFactory;

/** Sockets that connect from the address of this machine that property {@code rig.bind} names. */
public final class BoundSockets extends StandardSocketFactory implements Configurable {
  private static final String ADDRESS = "rig.bind";

  private Configuration conf;
  private String address;

  /** Makes whoever is configured so connect from an address. */
  static void configure(Configuration conf, String address) {
    conf.set("hadoop.rpc.socket.factory.class.default", BoundSockets.class.getName());
    conf.set(ADDRESS, address);
  }

  @Override
  public void setConf(Configuration conf) {
    this.conf = conf;
    address = conf.get(ADDRESS);
  }

  @Override
  public Configuration getConf() {
    return conf;
  }

  @Override
  public Socket createSocket() throws IOException {
    Socket socket = super.createSocket();
    socket.bind(new InetSocketAddress(address, 0));
    return socket;
  }

  /** Those that are equal share connections. */
  @Override
  public boolean equals(Object other) {
    return other instanceof BoundSockets && ((BoundSockets) other).address.equals(address);
  }

  @Override
  public int hashCode() {
    return address.hashCode();
  }
}
