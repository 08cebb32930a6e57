package anabranch;

import java.io.IOException;
import java.io.PrintStream;
import org.apache.zookeeper.server.quorum.QuorumPeerMain;

/**
 * A ZooKeeper server, alone or one of an ensemble.
 *
 * <p>{@code ZooKeeperMember [-D key=value]... FILE} sets the system properties and runs what the
 * configuration file describes. The JVM ends when its standard input does, so it never outlives the
 * test that started it.
 */
public final class ZooKeeperMember {
  private ZooKeeperMember() {}

  public static void main(String[] args) {
    PrintStream answers = System.out;
    System.setOut(System.err);
    Thread parent = new Thread(ZooKeeperMember::endWithStandardInput, "parent watch");
    parent.setDaemon(true);
    parent.start();
    int at = 0;
    while (args[at].equals("-D")) {
      String[] property = args[at + 1].split("=", 2);
      System.setProperty(property[0], property[1]);
      at += 2;
    }
    answers.println("{}");
    answers.flush();
    QuorumPeerMain.main(new String[] {args[at]});
  }

  private static void endWithStandardInput() {
    try {
      while (System.in.read() >= 0) {
        // Only the end matters.
      }
    } catch (IOException e) {
      e.printStackTrace();
    }
    Runtime.getRuntime().halt(0);
  }
}
