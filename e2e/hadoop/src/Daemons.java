package anabranch;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeoutException;
import org.apache.commons.io.FileUtils;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.ha.HAServiceProtocol;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.HdfsConfiguration;
import org.apache.hadoop.hdfs.protocol.HdfsConstants.DatanodeReportType;
import org.apache.hadoop.hdfs.qjournal.server.JournalNode;
import org.apache.hadoop.hdfs.server.common.HdfsServerConstants.StartupOption;
import org.apache.hadoop.hdfs.server.datanode.DataNode;
import org.apache.hadoop.hdfs.server.federation.router.Router;
import org.apache.hadoop.hdfs.server.federation.router.RouterServiceState;
import org.apache.hadoop.hdfs.server.federation.store.protocol.AddMountTableEntryRequest;
import org.apache.hadoop.hdfs.server.federation.store.records.MountTable;
import org.apache.hadoop.hdfs.server.namenode.EditLogFileOutputStream;
import org.apache.hadoop.hdfs.server.namenode.NameNode;
import org.apache.hadoop.metrics2.lib.DefaultMetricsSystem;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.log4j.FileAppender;
import org.apache.log4j.Logger;
import org.apache.log4j.PatternLayout;

/**
 * Real Hadoop daemons in one JVM, each on ports that the system chooses.
 *
 * <p>{@code Daemons DIR [-D key=value|ROLE]...} starts the roles in order, each with the properties before it: {@code namenode:NS},
 * {@code pair:NS} (two NameNodes with high availability, of which {@code nn1} is active),
 * {@code journals:COUNT}, {@code member:NS.ID} (one NameNode of several whose addresses are given, a
 * standby), {@code datanode:NAME} or, for one that has another address than the rest, {@code
 * datanode:NAME@ADDRESS}, {@code router:/mount=NS:/path,...}. A daemon finds the NameNodes
 * that were started before it, or those that {@code dfs.namenode.rpc-address.NS} names. When all of them serve,
 * one JSON line with their addresses goes to standard output. The JVM ends when its standard input
 * does, so it never outlives the test that started it.
 *
 * <p>Configuration files in {@code DIR/site} count as well, and are read again where daemons are told to.
 */
public final class Daemons {
  private static final long PATIENCE_MS = 120_000;

  private final File dir;
  private final Configuration shared = new HdfsConfiguration();
  /** The address of this machine that all of them listen at; property {@code rig.host}. */
  private String host = "127.0.0.1";
  private final Map<String, String> given = new LinkedHashMap<>();
  private final Map<String, Map<String, String>> addresses = new LinkedHashMap<>();
  /** NameNodes with high availability, for the router to watch. */
  private final List<String> watched = new ArrayList<>();
  private int datanodes;

  private Daemons(File dir) {
    this.dir = dir;
  }

  public static void main(String[] args) throws Exception {
    PrintStream answers = System.out;
    System.setOut(System.err);
    Thread parent = new Thread(Daemons::endWithStandardInput, "parent watch");
    parent.setDaemon(true);
    parent.start();
    // Several daemons of one kind would fight for the names of their metrics.
    DefaultMetricsSystem.setMiniClusterMode(true);
    try {
      URL[] site = {new File(args[0], "site/").toURI().toURL()};
      Thread.currentThread().setContextClassLoader(new URLClassLoader(site, Daemons.class.getClassLoader()));
      Daemons daemons = new Daemons(new File(args[0]));
      daemons.startAll(args);
      answers.println(new ObjectMapper().writeValueAsString(daemons.addresses));
      answers.flush();
    } catch (Throwable e) {
      // Threads of the daemons that did start would keep the JVM alive.
      e.printStackTrace();
      Runtime.getRuntime().halt(1);
    }
  }

  private static void endWithStandardInput() {
    try {
      while (System.in.read() >= 0) {
        // Only the end matters.
      }
    } catch (IOException e) {
      e.printStackTrace();
    }
    // An orderly stop takes seconds and nobody reads what it leaves behind.
    Runtime.getRuntime().halt(0);
  }

  /** Audit lines, which go nowhere otherwise, go to this file. */
  private static void audit(String file) throws IOException {
    Logger log = Logger.getLogger("org.apache.hadoop.hdfs.server.namenode.FSNamesystem.audit");
    log.addAppender(new FileAppender(new PatternLayout("%m%n"), file));
  }

  private void startAll(String[] args) throws Exception {
    for (int i = 1; i < args.length; i++) {
      if (args[i].equals("-D")) {
        String[] pair = args[++i].split("=", 2);
        shared.set(pair[0], pair[1]);
        given.put(pair[0], pair[1]);
        if (pair[0].equals("rig.audit")) {
          audit(pair[1]);
        }
        host = shared.get("rig.host", host);
      } else {
        // Whom users are grouped with is read once in a JVM.
        UserGroupInformation.setConfiguration(shared);
        start(args[i]);
      }
    }
    awaitDatanodes();
  }

  private void start(String role) throws Exception {
    String[] parts = role.split(":", 2);
    switch (parts[0]) {
      case "namenode":
        namenode(parts[1]);
        break;
      case "pair":
        pair(parts[1]);
        break;
      case "journals":
        journals(Integer.parseInt(parts[1]));
        break;
      case "member":
        member(parts[1]);
        break;
      case "datanode":
        datanode(parts[1]);
        break;
      case "router":
        router(parts[1]);
        break;
      default:
        throw new IllegalArgumentException("unknown role " + role);
    }
  }

  private void namenode(String ns) throws Exception {
    // Nobody pulls the plug in a test, and a disk that compilers write to takes its time.
    EditLogFileOutputStream.setShouldSkipFsyncForTesting(shared.getBoolean("rig.skip-fsync", false));
    Configuration conf = new HdfsConfiguration(shared);
    conf.set("dfs.nameservices", ns);
    conf.set("dfs.nameservice.id", ns);
    conf.set("dfs.namenode.rpc-address." + ns, conf.get("dfs.namenode.rpc-address." + ns, host + ":0"));
    conf.set("dfs.namenode.http-address." + ns, host + ":0");
    conf.set("dfs.namenode.name.dir", new File(dir, ns).toURI().toString());
    if (!new File(dir, ns + "/current").exists()) {
      // DataNodes serve several nameservices only if these are of one cluster.
      StartupOption.FORMAT.setClusterId("rig");
      NameNode.format(new HdfsConfiguration(conf));
    }
    NameNode namenode = NameNode.createNameNode(new String[0], conf);
    String rpc = text(namenode.getNameNodeAddress());
    addresses.put(ns, Map.of("rpc", rpc, "http", text(namenode.getHttpAddress())));
    shared.set("dfs.namenode.rpc-address." + ns, rpc);
    shared.set("dfs.namenode.http-address." + ns, text(namenode.getHttpAddress()));
    Set<String> known = new LinkedHashSet<>(List.of(shared.getTrimmedStrings("dfs.nameservices")));
    known.add(ns);
    shared.set("dfs.nameservices", String.join(",", known));
    await("NameNode " + ns + " out of safe mode", () -> !namenode.isInSafeMode());
  }

  /** Two NameNodes that share their edits in a directory. They take no part in what the DataNodes serve. */
  private void pair(String ns) throws Exception {
    Configuration conf = new HdfsConfiguration(shared);
    String[] ids = {"nn1", "nn2"};
    conf.set("dfs.nameservices", ns);
    conf.set("dfs.nameservice.id", ns);
    conf.set("dfs.ha.namenodes." + ns, String.join(",", ids));
    conf.set("dfs.namenode.shared.edits.dir", new File(dir, ns + "-edits").toURI().toString());
    conf.set("dfs.ha.standby.checkpoints", "false");
    for (String id : ids) {
      // Each must know the other's address before it starts.
      for (String kind : new String[] {"rpc", "http"}) {
        try (ServerSocket free = new ServerSocket(0)) {
          conf.set("dfs.namenode." + kind + "-address." + ns + "." + id, host + ":" + free.getLocalPort());
        }
      }
    }
    List<NameNode> pair = new ArrayList<>();
    for (String id : ids) {
      Configuration own = new HdfsConfiguration(conf);
      own.set("dfs.ha.namenode.id", id);
      File names = new File(dir, ns + "-" + id);
      own.set("dfs.namenode.name.dir", names.toURI().toString());
      if (pair.isEmpty()) {
        StartupOption.FORMAT.setClusterId("rig");
        NameNode.format(new HdfsConfiguration(own));
      } else {
        FileUtils.copyDirectory(new File(dir, ns + "-" + ids[0]), names, file -> !file.getName().endsWith(".lock"));
      }
      NameNode namenode = NameNode.createNameNode(new String[0], own);
      pair.add(namenode);
      String rpc = text(namenode.getNameNodeAddress());
      String http = text(namenode.getHttpAddress());
      addresses.put(ns + "." + id, Map.of("rpc", rpc, "http", http));
      shared.set("dfs.namenode.rpc-address." + ns + "." + id, rpc);
      shared.set("dfs.namenode.http-address." + ns + "." + id, http);
      watched.add(ns + "." + id);
    }
    shared.set("dfs.ha.namenodes." + ns, String.join(",", ids));
    pair.get(0).getRpcServer().transitionToActive(
        new HAServiceProtocol.StateChangeRequestInfo(HAServiceProtocol.RequestSource.REQUEST_BY_USER_FORCED));
    await("the first NameNode of " + ns + " active and out of safe mode",
        () -> pair.get(0).isActiveState() && !pair.get(0).isInSafeMode());
  }

  private void journals(int count) throws Exception {
    EditLogFileOutputStream.setShouldSkipFsyncForTesting(shared.getBoolean("rig.skip-fsync", false));
    for (int i = 1; i <= count; i++) {
      Configuration conf = new HdfsConfiguration(shared);
      conf.set("dfs.journalnode.rpc-address", host + ":0");
      conf.set("dfs.journalnode.http-address", host + ":0");
      conf.set("dfs.journalnode.edits.dir", new File(dir, "jn" + i).getPath());
      JournalNode journal = new JournalNode();
      journal.setConf(conf);
      journal.start();
      addresses.put("jn" + i, Map.of("rpc", text(journal.getBoundIpcAddress())));
    }
  }

  /** The first of them formats the namespace, the others begin with a copy of what that one has. */
  private void member(String role) throws Exception {
    EditLogFileOutputStream.setShouldSkipFsyncForTesting(shared.getBoolean("rig.skip-fsync", false));
    String[] name = role.split("[.]");
    Configuration conf = new HdfsConfiguration(shared);
    conf.set("dfs.nameservice.id", name[0]);
    conf.set("dfs.ha.namenode.id", name[1]);
    conf.set("dfs.ha.standby.checkpoints", "false");
    File names = new File(dir, role);
    conf.set("dfs.namenode.name.dir", names.toURI().toString());
    File first = new File(dir, name[0] + "." + shared.getTrimmedStrings("dfs.ha.namenodes." + name[0])[0]);
    if (!names.exists() && !first.equals(names)) {
      FileUtils.copyDirectory(first, names, file -> !file.getName().endsWith(".lock"));
    } else if (!names.exists()) {
      StartupOption.FORMAT.setClusterId("rig");
      NameNode.format(new HdfsConfiguration(conf));
    }
    NameNode namenode = NameNode.createNameNode(new String[0], conf);
    addresses.put(role,
        Map.of("rpc", text(namenode.getNameNodeAddress()), "http", text(namenode.getHttpAddress())));
  }

  private void datanode(String role) throws Exception {
    String[] sides = role.split("@", 2);
    String name = sides[0];
    Configuration conf = new HdfsConfiguration(shared);
    String at = host;
    if (sides.length > 1) {
      at = sides[1];
      BoundSockets.configure(conf, at);
    }
    conf.set("dfs.datanode.address", at + ":0");
    conf.set("dfs.datanode.ipc.address", at + ":0");
    conf.set("dfs.datanode.http.address", at + ":0");
    conf.set("dfs.datanode.hostname", at);
    conf.set("dfs.datanode.data.dir", new File(dir, name).toURI().toString());
    DataNode datanode = DataNode.instantiateDataNode(new String[0], conf);
    datanode.runDatanodeDaemon();
    addresses.put(name, Map.of("data", at + ":" + datanode.getXferAddress().getPort()));
    datanodes++;
  }

  private void router(String mounts) throws Exception {
    Configuration conf = new HdfsConfiguration(shared);
    conf.addResource("hdfs-rbf-default.xml");
    String prefix = "dfs.federation.router.";
    conf.set(prefix + "rpc-address", host + ":0");
    conf.set(prefix + "admin-address", host + ":0");
    conf.set(prefix + "http-address", host + ":0");
    conf.set(prefix + "default.nameserviceId", shared.getTrimmedStrings("dfs.nameservices")[0]);
    conf.set(prefix + "monitor.localnamenode.enable", "false");
    List<String> monitored = new ArrayList<>(List.of(shared.getTrimmedStrings("dfs.nameservices")));
    monitored.addAll(watched);
    conf.set(prefix + "monitor.namenode", String.join(",", monitored));
    conf.set(prefix + "store.driver.class",
        "org.apache.hadoop.hdfs.server.federation.store.driver.impl.StateStoreFileImpl");
    conf.set(prefix + "store.driver.file.directory", new File(dir, "router-store").getPath());
    // Nothing on a call's way: the router is to be ready soon.
    conf.set(prefix + "safemode.extension", "1s");
    conf.set(prefix + "safemode.checkperiod", "200ms");
    conf.set(prefix + "heartbeat.interval", "1000");
    // Not from `shared`, into which Hadoop has put the defaults of all keys by now.
    given.forEach(conf::set);
    Router router = new Router();
    router.init(conf);
    router.start();
    await("router in service", () -> router.getRouterState() == RouterServiceState.RUNNING);
    for (String mount : mounts.isEmpty() ? new String[0] : mounts.split(",")) {
      String[] sides = mount.split("[=:]", 3);
      MountTable entry = MountTable.newInstance(sides[0], Map.of(sides[1], sides[2]));
      router.getAdminServer().addMountTableEntry(AddMountTableEntryRequest.newInstance(entry));
    }
    await("NameNodes registered with the router", () -> {
      router.getStateStore().refreshCaches(true);
      for (String ns : shared.getTrimmedStrings("dfs.nameservices")) {
        List<?> known = router.getNamenodeResolver().getNamenodesForNameserviceId(ns, false);
        if (known == null || known.isEmpty()) {
          return false;
        }
      }
      return true;
    });
    addresses.put("router", Map.of(
        "rpc", text(router.getRpcServerAddress()),
        "admin", text(router.getAdminServerAddress()),
        "http", text(router.getHttpServerAddress())));
  }

  /** Until every NameNode knows every DataNode and its storage. */
  private void awaitDatanodes() throws Exception {
    if (datanodes == 0) {
      return;
    }
    Configuration conf = new Configuration(shared);
    for (String ns : shared.getTrimmedStrings("dfs.nameservices")) {
      boolean away = List.of(shared.getTrimmedStrings("rig.away")).contains(ns);
      if (away || shared.get("dfs.ha.namenodes." + ns) != null) {
        // Nobody is there, or it is for others to say which of them is active.
        continue;
      }
      URI uri = URI.create("hdfs://" + shared.get("dfs.namenode.rpc-address." + ns));
      try (DistributedFileSystem fs = (DistributedFileSystem) FileSystem.newInstance(uri, conf)) {
        await("DataNodes in " + ns, () -> fs.getDataNodeStats(DatanodeReportType.LIVE).length == datanodes
            && fs.getStatus().getCapacity() > 0);
      }
    }
  }

  private String text(InetSocketAddress address) {
    return host + ":" + address.getPort();
  }

  private static void await(String what, Callable<Boolean> condition) throws Exception {
    long end = System.nanoTime() + PATIENCE_MS * 1_000_000;
    while (!condition.call()) {
      if (System.nanoTime() > end) {
        throw new TimeoutException("not after " + PATIENCE_MS + " ms: " + what);
      }
      Thread.sleep(20);
    }
  }
}
