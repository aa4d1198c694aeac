# SPDX-License-Identifier: GPL-2.0-or-later
SUMMARY = "dma-buf heaps as a filesystem"
LICENSE = "GPL-2.0-or-later & LGPL-2.1-or-later"
LIC_FILES_CHKSUM = "\
    file://LICENSE;md5=b234ee4d69f5fce4486a80fdaf4a4263 \
    file://src/lib/LICENSE;md5=4fbd65380cdd255951079008b364516c \
"

inherit cmake pkgconfig externalsrc
EXTERNALSRC = "${THISDIR}/../../../.."

# fuse3 is in meta-filesystems
DEPENDS = "fuse3 json-c libgcrypt libdrm"
EXTRA_OECMAKE = "-D DMAHEAPFS_LIBFUSE=system -D DMAHEAPFS_TESTS=OFF"

# mount looks for its helpers in /sbin, whatever the layout
do_install:append() {
    if [ "${base_sbindir}" != /sbin ]; then
        install -d ${D}${base_sbindir}
        mv ${D}/sbin/* ${D}${base_sbindir}/
        rmdir ${D}/sbin
    fi
}

PACKAGES =+ "lib${BPN}"
FILES:lib${BPN} = "${libdir}/libdmaheapfs.so.*"
FILES:${PN} += "${base_sbindir} ${nonarch_libdir}/udev ${datadir}/bash-completion \
    ${datadir}/fish ${datadir}/zsh"
FILES:${PN}-dev += "${libdir}/cmake"

RRECOMMENDS:${PN} = "kernel-module-fuse kernel-module-udmabuf"
