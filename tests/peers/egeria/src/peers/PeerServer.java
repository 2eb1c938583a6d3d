package peers;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.odpi.openmetadata.adapters.repositoryservices.ConnectorConfigurationFactory;
import org.odpi.openmetadata.adminservices.configuration.properties.CohortConfig;
import org.odpi.openmetadata.adminservices.configuration.properties.CohortTopicStructure;
import org.odpi.openmetadata.adminservices.configuration.properties.ConformanceSuiteConfig;
import org.odpi.openmetadata.adminservices.configuration.properties.LocalRepositoryConfig;
import org.odpi.openmetadata.adminservices.configuration.properties.OpenMetadataExchangeRule;
import org.odpi.openmetadata.adminservices.configuration.properties.RepositoryConformanceWorkbenchConfig;
import org.odpi.openmetadata.adminservices.configuration.properties.RepositoryPerformanceWorkbenchConfig;
import org.odpi.openmetadata.adminservices.configuration.properties.RepositoryServicesConfig;
import org.odpi.openmetadata.conformance.server.ConformanceSuiteOperationalServices;
import org.odpi.openmetadata.conformance.server.ConformanceSuiteTestLabServices;
import org.odpi.openmetadata.frameworks.auditlog.ComponentDevelopmentStatus;
import org.odpi.openmetadata.frameworks.connectors.properties.beans.Connection;
import org.odpi.openmetadata.metadatasecurity.server.OpenMetadataServerSecurityVerifier;
import org.odpi.openmetadata.repositoryservices.admin.OMRSConfigurationFactory;
import org.odpi.openmetadata.repositoryservices.admin.OMRSOperationalServices;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.ComponentScan;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

/**
 * One real Egeria cohort member, put together from the released repository services, or, with {@code tut=}, Egeria's
 * conformance suite examining another member of the same cohort.
 *
 * Options (key=value): name, port, cohort, kafka (host:port); url (what is registered as our address, else localhost:port);
 * collection (metadata collection id, else a new one at each start: a second start in the same directory then refuses to
 * join, because the registration kept there has the first one); archives (comma separated archive files); tut (server name
 * under test), max (maxSearchResults, 5), perf (instances per type: run the performance workbench instead);
 * poll (max.poll.records of the consumer); reset (its auto.offset.reset, else Kafka's latest); save (which instances of other members it keeps as copies, an exchange rule such
 * as JUST_TYPEDEFS for none; else ALL); only (comma separated names of types: whoever asks for our types hears of these only).
 * State lies in ./data of the working directory. Prints "PEER READY name url" when the member is in the cohort; "PEER FAILED
 * message" and exit code 1 when it could not get there.
 */
@SpringBootApplication
@ComponentScan({"peers", "org.odpi.openmetadata.repositoryservices.rest.server.spring"})
@RestController
public class PeerServer
{
    private static final ConformanceSuiteTestLabServices LAB  = new ConformanceSuiteTestLabServices();
    private static final int                             PAGE = 1000;
    private static final String                          USER = "OMAGServer";

    /** Spring's threads would keep a server alive that could not join its cohort: whoever waits for it must see it end. */
    public static void main(String[] args)
    {
        try
        {
            start(args);
        }
        catch (Throwable failure)
        {
            failure.printStackTrace();
            System.out.println("PEER FAILED " + failure.getMessage());
            System.exit(1);
        }
    }

    private static void start(String[] args) throws Exception
    {
        Map<String, String> option = new HashMap<>();
        for (String arg : args)
        {
            String[] pair = arg.split("=", 2);
            option.put(pair[0], pair[1]);
        }
        String name = option.get("name");
        String url  = option.getOrDefault("url", "http://localhost:" + option.get("port"));

        if (option.containsKey("only"))
        {
            TypesFilter.only = Set.of(option.get("only").split(","));
        }
        SpringApplication web = new SpringApplication(PeerServer.class);
        web.setDefaultProperties(Map.of("server.port", option.get("port"),
                                        "server.address", "127.0.0.1",
                                        "spring.main.banner-mode", "off",
                                        "logging.level.root", "warn"));
        web.run();

        RepositoryServicesConfig config = repositoryServices(option, name, url);
        OMRSOperationalServices  omrs   = new OMRSOperationalServices(name, "Metadata Access Store", "peers", USER, null, url, PAGE);
        omrs.initializeAuditLog(config, "Metadata Access Store");
        omrs.initializeCohortMember(config);
        if (option.containsKey("tut"))
        {
            new ConformanceSuiteOperationalServices(name, USER, null, PAGE)
                .initialize(workbench(option),
                            omrs.getEnterpriseOMRSTopicConnector(),
                            omrs.getEnterpriseConnectorManager(),
                            omrs.getAuditLog(9999, ComponentDevelopmentStatus.STABLE, "CTS", "Conformance suite", ""));
        }
        omrs.setSecurityVerifier(new OpenMetadataServerSecurityVerifier());   // this call is what connects to the topics and registers

        Runtime.getRuntime().addShutdownHook(new Thread(() -> leave(omrs)));
        System.out.println("PEER READY " + name + " " + url);
    }

    /**
     * Leaves the topics, and waits until the consumers have left their groups: the disconnect only asks them to. The next start in this place
     * would hear nothing before the broker has given up on them, 30 seconds after the stop (which is what a server that was killed has to go through).
     */
    private static void leave(OMRSOperationalServices omrs)
    {
        omrs.disconnect(false);
        long deadline = System.currentTimeMillis() + 10_000;
        while (consuming() && System.currentTimeMillis() < deadline)
        {
            try
            {
                Thread.sleep(20);
            }
            catch (InterruptedException stop)
            {
                return;
            }
        }
    }

    private static boolean consuming()
    {
        return Thread.getAllStackTraces().values().stream()
                     .flatMap(Arrays::stream)
                     .anyMatch(frame -> frame.getClassName().contains("KafkaOpenMetadataEventConsumer"));
    }

    private static RepositoryServicesConfig repositoryServices(Map<String, String> option, String name, String url)
    {
        OMRSConfigurationFactory factory = new OMRSConfigurationFactory();
        LocalRepositoryConfig    local   = factory.getInMemoryLocalRepositoryConfig(name, url);
        local.setMetadataCollectionName(name);
        if (option.containsKey("collection"))
        {
            local.setMetadataCollectionId(option.get("collection"));
        }
        if (option.containsKey("save"))
        {
            local.setEventsToSaveRule(OpenMetadataExchangeRule.valueOf(option.get("save")));
        }

        Map<String, Object> producer = new HashMap<>(Map.of("bootstrap.servers", option.get("kafka")));
        Map<String, Object> consumer = new HashMap<>(producer);
        if (option.containsKey("poll"))
        {
            consumer.put("max.poll.records", option.get("poll"));
        }
        if (option.containsKey("reset"))
        {
            consumer.put("auto.offset.reset", option.get("reset"));
        }
        Map<String, Object> eventBus = new HashMap<>(Map.of("producer", producer, "consumer", consumer, "local.server.id", name + "-id"));
        CohortConfig cohort = factory.getDefaultCohortConfig(name, option.get("cohort"), CohortTopicStructure.DEDICATED_TOPICS, null,
                                  "org.odpi.openmetadata.adapters.eventbus.topic.kafka.KafkaOpenMetadataTopicProvider",
                                  "egeria.omag", name + "-id", eventBus);

        List<Connection> archives = new ArrayList<>();
        for (String file : option.getOrDefault("archives", "").split(","))
        {
            if (!file.isBlank())
            {
                archives.add(new ConnectorConfigurationFactory().getOpenMetadataArchiveFileConnection(file));
            }
        }

        RepositoryServicesConfig config = factory.getDefaultRepositoryServicesConfig();
        config.setLocalRepositoryConfig(local);
        config.setEnterpriseAccessConfig(factory.getDefaultEnterpriseAccessConfig(name, name + "-id"));
        config.setCohortConfigList(List.of(cohort));
        config.setOpenMetadataArchiveConnections(archives.isEmpty() ? null : archives);
        return config;
    }

    private static ConformanceSuiteConfig workbench(Map<String, String> option)
    {
        ConformanceSuiteConfig suite = new ConformanceSuiteConfig();
        if (option.containsKey("perf"))
        {
            RepositoryPerformanceWorkbenchConfig performance = new RepositoryPerformanceWorkbenchConfig();
            performance.setTutRepositoryServerName(option.get("tut"));
            performance.setInstancesPerType(Integer.parseInt(option.get("perf")));
            performance.setMaxSearchResults(Integer.parseInt(option.getOrDefault("max", "2")));
            performance.setWaitBetweenScenarios(0);
            suite.setRepositoryPerformanceConfig(performance);
        }
        else
        {
            RepositoryConformanceWorkbenchConfig functional = new RepositoryConformanceWorkbenchConfig();
            functional.setTutRepositoryServerName(option.get("tut"));
            functional.setMaxSearchResults(Integer.parseInt(option.getOrDefault("max", "5")));
            suite.setRepositoryWorkbenchConfig(functional);
        }
        return suite;
    }

    @GetMapping("/cts/{server}/status/{workbench}")
    public Object status(@PathVariable String server, @PathVariable String workbench) { return LAB.getWorkbenchStatus(USER, server, workbench); }

    @GetMapping("/cts/{server}/summary")
    public Object summary(@PathVariable String server) { return LAB.getConformanceSummaryReport(USER, server); }

    @GetMapping("/cts/{server}/report")
    public Object report(@PathVariable String server) { return LAB.getConformanceReport(USER, server); }

    @GetMapping("/cts/{server}/failed")
    public Object failed(@PathVariable String server) { return LAB.getFailedTestCaseReport(USER, server); }

    @GetMapping("/cts/{server}/profile/{profile}")
    public Object profile(@PathVariable String server, @PathVariable String profile) { return LAB.getProfileReport(USER, server, profile); }

    @GetMapping("/cts/{server}/case/{testCase}")
    public Object testCase(@PathVariable String server, @PathVariable String testCase) { return LAB.getTestCaseReport(USER, server, testCase); }
}
