/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Has a Vulkan device copy a file's dma-buf, and writes the copy to stdout. The device gets
 * the memory itself; no byte of it passes the CPU, unless the driver is lavapipe.
 *
 *	cc vulkan.c -o vulkan $(pkg-config --cflags --libs dmaheapfs vulkan)
 *	./vulkan /mnt/dmaheap/buf0 | cmp - model.bin
 */
#include <dmaheapfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <vulkan/vulkan.h>

#define DMA_BUF VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT

static void check(VkResult result, const char *what)
{
	if (result == VK_SUCCESS)
		return;
	fprintf(stderr, "vulkan: %s: error %d\n", what, result);
	exit(1);
}

#define CHECK(call) check(call, #call)

struct gpu {
	VkPhysicalDevice physical;
	VkDevice device;
	VkQueue queue;
};

/* The first device, with its first queue. */
static struct gpu open_gpu(void)
{
	static const char *const extensions[] = {
		"VK_KHR_external_memory_fd",
		"VK_EXT_external_memory_dma_buf",
	};
	static const float priority = 1;
	const VkApplicationInfo application = {
		.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
		.apiVersion = VK_API_VERSION_1_1,
	};
	const VkInstanceCreateInfo wanted = {
		.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
		.pApplicationInfo = &application,
	};
	const VkDeviceQueueCreateInfo queue = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
		.queueCount = 1,
		.pQueuePriorities = &priority,
	};
	const VkDeviceCreateInfo wanted_device = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
		.queueCreateInfoCount = 1,
		.pQueueCreateInfos = &queue,
		.enabledExtensionCount = 2,
		.ppEnabledExtensionNames = extensions,
	};
	VkPhysicalDeviceProperties properties;
	VkInstance instance;
	struct gpu gpu;
	uint32_t count = 1;

	CHECK(vkCreateInstance(&wanted, NULL, &instance));
	if (vkEnumeratePhysicalDevices(instance, &count, &gpu.physical) < 0 || !count)
		check(VK_ERROR_INITIALIZATION_FAILED, "no Vulkan device");
	vkGetPhysicalDeviceProperties(gpu.physical, &properties);
	fprintf(stderr, "device: %s\n", properties.deviceName);
	const VkResult result = vkCreateDevice(gpu.physical, &wanted_device, NULL, &gpu.device);

	check(result, result == VK_ERROR_EXTENSION_NOT_PRESENT ? "this driver imports no dma-bufs"
							       : "vkCreateDevice");
	vkGetDeviceQueue(gpu.device, 0, 0, &gpu.queue);
	return gpu;
}

/* The first kind of memory that is in @allowed and has @properties. */
static uint32_t find_memory(const struct gpu *gpu, uint32_t allowed, VkFlags properties)
{
	VkPhysicalDeviceMemoryProperties kinds;

	vkGetPhysicalDeviceMemoryProperties(gpu->physical, &kinds);
	for (uint32_t i = 0; i < kinds.memoryTypeCount; i++)
		if (allowed & 1u << i &&
		    (kinds.memoryTypes[i].propertyFlags & properties) == properties)
			return i;
	check(VK_ERROR_OUT_OF_DEVICE_MEMORY, "no fit memory");
	return 0;
}

static VkBuffer create_buffer(const struct gpu *gpu, VkDeviceSize size, VkFlags usage,
			      const void *more)
{
	const VkBufferCreateInfo wanted = {
		.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
		.pNext = more,
		.size = size,
		.usage = usage,
	};
	VkBuffer buffer;

	CHECK(vkCreateBuffer(gpu->device, &wanted, NULL, &buffer));
	return buffer;
}

/* A buffer in the memory of @dmabuf, which Vulkan takes over. */
static VkBuffer import_dmabuf(const struct gpu *gpu, int dmabuf, VkDeviceSize size)
{
	const VkExternalMemoryBufferCreateInfo external = {
		.sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO,
		.handleTypes = DMA_BUF,
	};
	const VkBuffer buffer =
		create_buffer(gpu, size, VK_BUFFER_USAGE_TRANSFER_SRC_BIT, &external);
	const PFN_vkGetMemoryFdPropertiesKHR get_properties =
		(PFN_vkGetMemoryFdPropertiesKHR)vkGetDeviceProcAddr(gpu->device,
								    "vkGetMemoryFdPropertiesKHR");
	VkMemoryFdPropertiesKHR properties = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_FD_PROPERTIES_KHR,
	};
	VkDeviceMemory memory;

	CHECK(get_properties(gpu->device, DMA_BUF, dmabuf, &properties));
	const VkImportMemoryFdInfoKHR import = {
		.sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR,
		.handleType = DMA_BUF,
		.fd = dmabuf,
	};
	const VkMemoryAllocateInfo wanted = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
		.pNext = &import,
		.allocationSize = size,
		.memoryTypeIndex = find_memory(gpu, properties.memoryTypeBits, 0),
	};

	CHECK(vkAllocateMemory(gpu->device, &wanted, NULL, &memory));
	CHECK(vkBindBufferMemory(gpu->device, buffer, memory, 0));
	return buffer;
}

/* A buffer that the CPU can read at @data. */
static VkBuffer create_readable(const struct gpu *gpu, VkDeviceSize size, void **data)
{
	const VkBuffer buffer = create_buffer(gpu, size, VK_BUFFER_USAGE_TRANSFER_DST_BIT, NULL);
	VkMemoryRequirements needs;
	VkDeviceMemory memory;

	vkGetBufferMemoryRequirements(gpu->device, buffer, &needs);
	const VkMemoryAllocateInfo wanted = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
		.allocationSize = needs.size,
		.memoryTypeIndex = find_memory(gpu, needs.memoryTypeBits,
					       VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
						       VK_MEMORY_PROPERTY_HOST_COHERENT_BIT),
	};
	CHECK(vkAllocateMemory(gpu->device, &wanted, NULL, &memory));
	CHECK(vkBindBufferMemory(gpu->device, buffer, memory, 0));
	CHECK(vkMapMemory(gpu->device, memory, 0, size, 0, data));
	return buffer;
}

static void copy(const struct gpu *gpu, VkBuffer from, VkBuffer to, VkDeviceSize size)
{
	const VkCommandPoolCreateInfo wanted_pool = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
	};
	const VkCommandBufferBeginInfo begin = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
	};
	const VkBufferCopy all = {.size = size};
	VkCommandPool pool;
	VkCommandBuffer commands;

	CHECK(vkCreateCommandPool(gpu->device, &wanted_pool, NULL, &pool));
	const VkCommandBufferAllocateInfo wanted = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
		.commandPool = pool,
		.commandBufferCount = 1,
	};
	CHECK(vkAllocateCommandBuffers(gpu->device, &wanted, &commands));
	CHECK(vkBeginCommandBuffer(commands, &begin));
	vkCmdCopyBuffer(commands, from, to, 1, &all);
	CHECK(vkEndCommandBuffer(commands));
	const VkSubmitInfo submit = {
		.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
		.commandBufferCount = 1,
		.pCommandBuffers = &commands,
	};
	CHECK(vkQueueSubmit(gpu->queue, 1, &submit, VK_NULL_HANDLE));
	CHECK(vkQueueWaitIdle(gpu->queue));
}

int main(int argc, char *argv[])
{
	struct dmaheap_info info;
	void *data;

	if (argc != 2) {
		fputs("usage: vulkan FILE >COPY\n", stderr);
		return 1;
	}
	const int dmabuf = dmaheap_export(argv[1]);
	const int error = dmabuf < 0 ? dmabuf : dmaheap_query(argv[1], &info);

	if (error) {
		fprintf(stderr, "%s: %s\n", argv[1], dmaheap_strerror(error));
		return 1;
	}
	const struct gpu gpu = open_gpu();
	const VkBuffer from = import_dmabuf(&gpu, dmabuf, info.capacity);
	const VkBuffer to = create_readable(&gpu, info.capacity, &data);

	copy(&gpu, from, to, info.size);
	return fwrite(data, 1, info.size, stdout) != info.size;
}
